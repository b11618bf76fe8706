using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.FloatingIPs;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Writes;
using Npgsql;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>
/// CN2's floatingips. Users reserve one by a name <c>namespace.name</c> (<see cref="FloatingIPObjectName"/>) and its network
/// (<c>spec.virtualNetworkReference</c>); those of Services are read-only.
/// </summary>
internal sealed class FloatingIPBinding(FloatingIPStore store, FloatingIPResources resources, RequestReader requests)
    : ResourceBinding<FloatingIPRow, FloatingIPRequest>(requests), IIdentifiedBinding
{
    public override ResourceDefinition Definition => FloatingIPSchemas.FloatingIP;

    public override ObjectMapping Mapping { get; } = new FloatingIPMapping();

    public Task<List<ObjectIdentity>> IdentitiesAsync(NpgsqlConnection connection, ObjectRange range, CancellationToken ct) => ObjectIdentity.ReadAsync(connection, "floating_ip", range, ct);

    public Task<List<ObjectIdentity>> IdentitiesAsync(NpgsqlConnection connection, Guid[] uids, CancellationToken ct) => ObjectIdentity.ReadAsync(connection, "floating_ip", uids, ct);

    protected override ResourceKind Kind => ResourceKind.FloatingIP;

    protected override async Task<FloatingIPRow?> FindRowAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct) =>
        (await (FloatingIPObjectName.Split(name) is var (owner, own)
            ? FloatingIPTable.ReadAsync(connection, "f.namespace = $1 AND f.name = $2 AND f.reserved", ct, Sql.Value(owner), Sql.Value(own))
            : FloatingIPTable.ReadAsync(connection, "f.name = $1 AND NOT f.reserved", ct, Sql.Value(name)))).FirstOrDefault();

    protected override Task<List<FloatingIPRow>> PageAsync(CN2DbContext db, NamespaceScope scope, ListQuery query, CancellationToken ct) => db.FloatingIPs.In(scope).NamespacedPageAsync(query, ct);

    protected override async Task<IReadOnlyList<ResourceBody>> ReadAsync(NpgsqlConnection connection, IReadOnlyList<FloatingIPRow> rows, CancellationToken ct) =>
        await resources.ReadAsync(connection, rows, ct);

    protected override async Task<FloatingIPRow?> LockRowAsync(WriteScope scope, string? ns, string name, CancellationToken ct) =>
        await FindRowAsync(scope.Connection, ns, name, ct) is { } row ? await store.LockAsync(scope, row.Namespace, row.Name, ct) : null;

    protected override Task<FloatingIPRequest> ToRequestAsync(WriteScope scope, FloatingIPRow row, CancellationToken ct) => store.ToRequestAsync(scope, row, ct);

    protected override async Task<WriteOutcome> CreateAsync(WriteScope scope, string? ns, FloatingIPRequest request, CancellationToken ct)
    {
        var network = request.Others!["namespace"].GetString()!;
        request.Others.Remove("namespace");
        return await store.CreateAsync(scope, network, request, ct);
    }

    protected override Task<WriteOutcome> ReplaceAsync(WriteScope scope, FloatingIPRow row, FloatingIPRequest request, CancellationToken ct)
    {
        request.Others?.Remove("namespace");
        return store.ReplaceAsync(scope, row, request, ct);
    }

    protected override Task<WriteOutcome> DeleteAsync(WriteScope scope, FloatingIPRow row, CancellationToken ct) => store.DeleteAsync(scope, row, ct);

    /// <summary>One that a Service allocated goes with the Service, and with nothing else.</summary>
    protected override ObjectOutcome DeletionRefused(FloatingIPRow row, ApiProblem problem) => row.Reserved ? base.DeletionRefused(row, problem) : problem;

    protected override (string? Namespace, string Name) IdentityOf(ResourceBody resource) =>
        (null, FloatingIPObjectName.Of(resource.Namespace!, resource.Name, ((FloatingIPResource)resource).IsReserved));

    /// <summary>A reserved one that a Service uses has a Service, too; it is not deleted then.</summary>
    public override string NameOf(JsonObject resource) =>
        FloatingIPObjectName.Of(resource["namespace"]!.GetValue<string>(), resource["name"]!.GetValue<string>(), resource["service"] is null);

    protected override JsonObject Prepare(ObjectDraft draft)
    {
        var prepared = (JsonObject)draft.Object.DeepClone();
        if (FloatingIPObjectName.Split(draft.Name) is var (_, own) && prepared["metadata"] is JsonObject metadata) metadata["name"] = own;
        return prepared;
    }

    protected override void Complete(ObjectDraft draft, JsonObject request, FloatingIPRequest? current, FaultList faults, bool isNew)
    {
        AddForeign(draft, faults);
        if (!isNew) return;
        if (FloatingIPObjectName.Split(draft.Name) is var (owner, _)) request["namespace"] = owner;
        else faults.Add("metadata.name", "must be namespace.name, such as ns1.web: a FloatingIP belongs to a namespace");
        if (draft.Object["spec"]?["virtualNetworkReference"] is JsonObject network && network["name"]?.ToString() is { Length: > 0 } name)
            request["externalNetwork"] = network["namespace"]?.ToString() is { Length: > 0 } ns ? $"{ns}/{name}" : name;
        else faults.Add("spec.virtualNetworkReference", "Required value: the network that the address is taken from");
    }

    /// <summary>A FloatingIP leads to VirtualMachineInterfaces of its own namespace; <c>/v1</c> knows them by name only.</summary>
    private static void AddForeign(ObjectDraft draft, FaultList faults)
    {
        if (FloatingIPObjectName.Split(draft.Name) is not var (owner, _) || draft.Object["spec"]?["virtualMachineInterfaceReferences"] is not JsonArray references) return;
        for (var i = 0; i < references.Count; i++)
        {
            if ((references[i] as JsonObject)?["namespace"]?.ToString() is { Length: > 0 } ns && ns != owner)
                faults.Add($"spec.virtualMachineInterfaceReferences[{i}].namespace", $"must be {owner}, the namespace of the FloatingIP");
        }
    }
}
