using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.VirtualMachineInterfaces;
using CN2.Api.Writes;
using Npgsql;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>CN2's virtualmachineinterfaces: all of them, those of Pods included.</summary>
internal sealed class VirtualMachineInterfaceBinding(VirtualMachineInterfaceStore store, RequestReader requests)
    : ResourceBinding<VirtualMachineInterfaceRow, VirtualMachineInterfaceRequest>(requests)
{
    public override ResourceDefinition Definition => FloatingIPSchemas.VirtualMachineInterface;

    public override ObjectMapping Mapping { get; } = new VirtualMachineInterfaceMapping();

    protected override ResourceKind Kind => ResourceKind.VirtualMachineInterface;

    protected override Task<VirtualMachineInterfaceRow?> FindRowAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct) =>
        VirtualMachineInterfaceTable.FindAsync(connection, ns!, name, forUpdate: false, ct);

    protected override Task<List<VirtualMachineInterfaceRow>> PageAsync(CN2DbContext db, NamespaceScope scope, ListQuery query, CancellationToken ct) =>
        db.VirtualMachineInterfaces.In(scope).NamespacedPageAsync(query, ct);

    protected override async Task<IReadOnlyList<ResourceBody>> ReadAsync(NpgsqlConnection connection, IReadOnlyList<VirtualMachineInterfaceRow> rows, CancellationToken ct) =>
        await VirtualMachineInterfaceResources.ReadAsync(connection, rows, ct);

    protected override Task<VirtualMachineInterfaceRow?> LockRowAsync(WriteScope scope, string? ns, string name, CancellationToken ct) => store.LockAsync(scope, ns!, name, ct);

    protected override Task<VirtualMachineInterfaceRequest> ToRequestAsync(WriteScope scope, VirtualMachineInterfaceRow row, CancellationToken ct) =>
        Task.FromResult(VirtualMachineInterfaceResources.ToRequest(row));

    protected override Task<WriteOutcome> CreateAsync(WriteScope scope, string? ns, VirtualMachineInterfaceRequest request, CancellationToken ct) =>
        store.CreateAsync(scope, ns!, request, ct);

    protected override Task<WriteOutcome> ReplaceAsync(WriteScope scope, VirtualMachineInterfaceRow row, VirtualMachineInterfaceRequest request, CancellationToken ct) =>
        store.ReplaceAsync(scope, row, request, ct);

    protected override Task<WriteOutcome> DeleteAsync(WriteScope scope, VirtualMachineInterfaceRow row, CancellationToken ct) => store.DeleteAsync(scope, row, ct);
}
