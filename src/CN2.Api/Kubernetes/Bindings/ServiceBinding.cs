using System.Globalization;
using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Services;
using CN2.Api.Writes;
using CN2.Network.Addressing;
using CN2.Network.Resources;
using Npgsql;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary><c>v1</c> services. Creates share transactions as those of <c>/v1</c> do.</summary>
internal sealed class ServiceBinding(ServiceStore store, ServiceResources resources, RequestReader requests)
    : ResourceBinding<ServiceRow, ServiceRequest>(requests), IGroupedBinding, IIdentifiedBinding
{
    public override ResourceDefinition Definition => ServiceSchema.Definition;

    public override ObjectMapping Mapping { get; } = new Kinds.ServiceMapping();

    public Task<List<ObjectIdentity>> IdentitiesAsync(NpgsqlConnection connection, ObjectRange range, CancellationToken ct) => ObjectIdentity.ReadAsync(connection, "service", range, ct);

    public Task<List<ObjectIdentity>> IdentitiesAsync(NpgsqlConnection connection, Guid[] uids, CancellationToken ct) => ObjectIdentity.ReadAsync(connection, "service", uids, ct);

    protected override ResourceKind Kind => ResourceKind.Service;

    public override IReadOnlyList<string> Immutable { get; } = ["spec.clusterIP", "spec.clusterIPs"];

    public async Task<ObjectOutcome> CreateGroupedAsync(ObjectDraft draft, CancellationToken ct)
    {
        var (request, refused) = ReadRequest(draft, null);
        if (refused is not null) return refused;
        var outcome = await store.Creates.RunAsync(new ServiceDraft(draft.Namespace!, request!, draft.Rights) { Kept = (uid, now) => draft.ToRow(this, uid, false, now), Origin = draft.Origin }, ct);
        return outcome.ToOutcome(draft) switch
        {
            ObjectOutcome.Stored stored => stored with { IsKept = true },
            var other => other,
        };
    }

    protected override Task<ServiceRow?> FindRowAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct) =>
        ServiceTable.FindAsync(connection, ns!, name, forUpdate: false, ct);

    protected override Task<List<ServiceRow>> PageAsync(CN2DbContext db, NamespaceScope scope, ListQuery query, CancellationToken ct) =>
        db.Services.In(scope).NamespacedPageAsync(query, ct);

    protected override async Task<IReadOnlyList<ResourceBody>> ReadAsync(NpgsqlConnection connection, IReadOnlyList<ServiceRow> rows, CancellationToken ct) =>
        await resources.ReadAsync(connection, rows, ct);

    protected override Task<ServiceRow?> LockRowAsync(WriteScope scope, string? ns, string name, CancellationToken ct) => store.LockAsync(scope, ns!, name, ct);

    protected override Task<ServiceRequest> ToRequestAsync(WriteScope scope, ServiceRow row, CancellationToken ct) =>
        Task.FromResult(Services.ServiceMapping.ToRequest(row, ApiJson.Read<ServiceSpec>(row.Spec)));

    protected override Task<WriteOutcome> CreateAsync(WriteScope scope, string? ns, ServiceRequest request, CancellationToken ct) =>
        store.Creates.DecideAsync(scope, new ServiceDraft(ns!, request, scope.Rights), ct);

    protected override Task<WriteOutcome> ReplaceAsync(WriteScope scope, ServiceRow row, ServiceRequest request, CancellationToken ct) => store.ReplaceAsync(scope, row, request, ct);

    protected override Task<WriteOutcome> DeleteAsync(WriteScope scope, ServiceRow row, CancellationToken ct) => store.DeleteAsync(scope, row, ct);

    protected override void Complete(ObjectDraft draft, JsonObject request, ServiceRequest? current, FaultList faults, bool isNew)
    {
        if (draft.Object["spec"] is not JsonObject spec) return;
        if (isNew || current is not null) CheckNodePorts(spec, request, current, faults);
        if (!isNew) return;
        ClusterIPs.Check(spec, faults);
        // As in Kubernetes, the families of a new Service follow from the cluster IPs that it asks for.
        if (request["ipFamilies"] is null && ClusterIPs.Of(spec) is { Count: > 0 } asked) request["ipFamilies"] = new JsonArray([.. asked.Select(a => JsonValue.Create(a.FamilyOf().ToString()))]);
        if (spec["ports"] is not JsonArray { Count: > 1 } ports) return;
        foreach (var (index, port) in ports.Index())
        {
            if (port?["name"]?.ToString() is null or "") faults.Add($"spec.ports[{index}].name", "Required value");
        }
    }

    protected override void Extend(ObjectDraft draft, ServiceRequest request)
    {
        if (draft.Object["spec"] is JsonObject spec) request.ClusterIPs = ClusterIPs.Of(spec);
    }

    /// <summary>A ClusterIP Service has no node ports. Those that it had under another type go with the type, unless the writer asks for others.</summary>
    private static void CheckNodePorts(JsonObject spec, JsonObject request, ServiceRequest? current, FaultList faults)
    {
        if (request["type"]?.ToString() != nameof(ServiceType.ClusterIP)) return;
        var had = current is null or { Type: ServiceType.ClusterIP } ? [] : (current.Ports ?? []).Select(p => p.NodePort?.ToString(CultureInfo.InvariantCulture)).ToHashSet();
        foreach (var (index, port) in (spec["ports"] as JsonArray ?? []).Index())
        {
            if (port?["nodePort"]?.ToString() is { } given and not "0" && !had.Contains(given)) faults.Add($"spec.ports[{index}].nodePort", "Forbidden: may not be used when `type` is 'ClusterIP'");
        }
    }
}
