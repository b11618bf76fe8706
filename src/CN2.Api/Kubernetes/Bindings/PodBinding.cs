using System.Text.Json.Nodes;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Requests;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.VirtualMachineInterfaces;
using CN2.Api.Writes;
using Npgsql;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>
/// <c>v1</c> pods. A Pod lives alone until it has a node and an address; the write that completes it makes the VirtualMachineInterface, with the same
/// name and uid. One that loses its address, or is moved off its node, gives the interface back and lives alone again.
/// </summary>
internal sealed class PodBinding(VirtualMachineInterfaceStore store, RequestReader requests) : IObjectBinding
{
    private static readonly string Resource = PodSchema.Definition.QualifiedName;

    public ResourceDefinition Definition => PodSchema.Definition;

    public ObjectMapping Mapping { get; } = new PodMapping();

    public ResourceKind? Kind => ResourceKind.VirtualMachineInterface;

    public IEnumerable<(string Path, string Message)> FaultsOf(ObjectDraft draft, bool isNew)
    {
        var faults = new FaultList();
        if (isNew) PodRules.Check(draft.Object, faults);
        return faults.Select(f => (f.Path, f.Message)).Concat(Read(draft, null, []).Refused?.Faults ?? []);
    }

    public IEnumerable<(string Path, string Message)> FaultsOfChange(JsonObject shown, JsonObject updated) => PodRules.IsSameButForWhatMayChange(shown, updated) ? [] : [("spec", PodRules.Fixed)];

    public async Task<BoundObject?> FindAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct) =>
        await KubernetesObjectTable.FindAsync(connection, Resource, ns!, name, forUpdate: false, ct) is { } kept ? (await BindAsync(connection, [kept], ct))[0] : null;

    public async Task<ObjectPage> ListAsync(CN2DbContext db, ObjectRange range, CancellationToken ct)
    {
        var found = await ObjectPages.KeptAsync(await db.OpenSqlAsync(ct), Resource, "virtual_machine_interface", range, ct);
        return await ObjectPages.PageAsync(found, range, uids => LoadAsync(db, uids, ct));
    }

    public async Task<IReadOnlyList<BoundObject>> LoadAsync(CN2DbContext db, IReadOnlyCollection<Guid> uids, CancellationToken ct)
    {
        var connection = await db.OpenSqlAsync(ct);
        return await BindAsync(connection, [.. (await KubernetesObjectTable.OfAsync(connection, Resource, [.. uids], ct)).Values], ct);
    }

    public async Task<BoundObject?> LockAsync(WriteScope scope, string? ns, string name, CancellationToken ct)
    {
        // The interface first: who deletes it through /v1 locks it before the trigger reaches what is kept.
        var row = await store.LockAsync(scope, ns!, name, ct);
        if (await KubernetesObjectTable.FindAsync(scope.Connection, Resource, ns!, name, forUpdate: true, ct) is not { } kept) return null;
        return row?.Uid == kept.Uid ? await BindAsync(scope.Connection, kept, row, ct) : new BoundObject(kept.Uid, kept.Namespace, kept.Name, null, kept);
    }

    public async Task<ObjectOutcome> CreateAsync(WriteScope scope, ObjectDraft draft, CancellationToken ct)
    {
        // Before the interface of a Pod that is complete already: see cn2_refuse_interface_of_pod.
        await scope.ExecuteAsync([KubernetesObjectTable.TakePodName(draft.Namespace!, draft.Name)], ct);
        if (await store.LockAsync(scope, draft.Namespace!, draft.Name, ct) is not null) return ApiProblem.AlreadyExists($"VirtualMachineInterface {draft.Namespace}/{draft.Name}");
        if (await KubernetesObjectTable.FindAsync(scope.Connection, Resource, draft.Namespace!, draft.Name, forUpdate: false, ct) is not null)
            return ApiProblem.AlreadyExists($"Pod {draft.Namespace}/{draft.Name}");
        var faults = new FaultList();
        PodRules.Check(draft.Object, faults);
        var (request, refused) = Read(draft, null, faults);
        return refused ?? await StoreAsync(scope, draft, request!, Guid.CreateVersion7(scope.Now), null, ct);
    }

    public Task<ObjectOutcome> ReplaceAsync(WriteScope scope, BoundObject current, ObjectDraft draft, CancellationToken ct) =>
        ChangeAsync(scope, draft, current.Uid, (VirtualMachineInterfaceRow?)current.Row, ct);

    public Task<ObjectOutcome> ReplaceSubresourceAsync(WriteScope scope, string subresource, BoundObject current, ObjectDraft draft, CancellationToken ct) => subresource switch
    {
        "status" => ReplaceAsync(scope, current, draft, ct),
        "binding" => BindAsync(scope, current, draft, ct),
        _ => Task.FromResult<ObjectOutcome>(ApiProblem.NotFound(subresource)),
    };

    public async Task<ObjectOutcome> DeleteAsync(WriteScope scope, BoundObject current, CancellationToken ct)
    {
        if (current.Row is VirtualMachineInterfaceRow row && await store.DeleteAsync(scope, row, ct) is WriteOutcome.Refused refused) return refused.Problem;
        return new ObjectOutcome.Gone();
    }

    /// <summary>Binds a Pod to a Node, as a scheduler does. A Pod is bound once.</summary>
    private async Task<ObjectOutcome> BindAsync(WriteScope scope, BoundObject current, ObjectDraft draft, CancellationToken ct)
    {
        var check = ObjectCheck.Check(draft.Object, PodSchema.Binding);
        var faults = new FaultList();
        faults.AddAll(check.Faults.Select(f => (f.Path, f.Message)));
        var node = check.Object["target"]?["name"]?.ToString();
        if (string.IsNullOrEmpty(node)) faults.Add("target.name", "Required value");
        var pod = (JsonObject)JsonNode.Parse(current.Kept!.Document)!;
        var bound = current.Resource?["virtualRouter"]?.ToString() ?? pod["spec"]?["nodeName"]?.ToString();
        if (!string.IsNullOrEmpty(bound)) return ApiProblem.InUse($"Pod {current.Name}", []) with { Detail = $"pod {current.Name} is already assigned to node \"{bound}\"" };
        if (faults.Count > 0) return new ObjectOutcome.Refused(ApiProblem.Validation(faults), HasObjectPaths: true);
        if (pod["spec"] is not JsonObject spec) pod["spec"] = spec = [];
        spec["nodeName"] = node;
        if (pod["status"] is not JsonObject status) pod["status"] = status = new JsonObject { ["phase"] = "Pending" };
        if (status["conditions"] is not JsonArray conditions) status["conditions"] = conditions = [];
        foreach (var old in conditions.Where(c => c?["type"]?.ToString() == "PodScheduled").ToList()) conditions.Remove(old);
        conditions.Add(new JsonObject { ["type"] = "PodScheduled", ["status"] = "True", ["lastTransitionTime"] = KubernetesTime.Text(scope.Now) });
        var outcome = await ChangeAsync(scope, draft with { Object = pod }, current.Uid, null, ct);
        if (outcome is not ObjectOutcome.Stored stored) return outcome;
        var row = current.Kept with { Document = pod.ToJsonString(), IsAlone = stored.Object.Resource is null, Generation = current.Kept.Generation + 1 };
        await ObjectTransactions.KeepAsync(scope, this, row, ChangeVerb.Modified, ct);
        return stored with { IsKept = true };
    }

    /// <param name="scope">The transaction.</param>
    /// <param name="draft">The Pod as it shall be.</param>
    /// <param name="uid">Its uid.</param>
    /// <param name="row">Its interface, locked; null: it has none.</param>
    /// <param name="ct">Ends the statements.</param>
    private async Task<ObjectOutcome> ChangeAsync(WriteScope scope, ObjectDraft draft, Guid uid, VirtualMachineInterfaceRow? row, CancellationToken ct)
    {
        var (request, refused) = Read(draft, row, new FaultList());
        if (refused is not null) return refused;
        if (row is null && PodMapping.IsComplete(draft.Object) && await store.LockAsync(scope, draft.Namespace!, draft.Name, ct) is not null)
            return ApiProblem.InUse($"The name {draft.Namespace}/{draft.Name}", [$"VirtualMachineInterface {draft.Namespace}/{draft.Name}, which is no Pod's; delete it"]);
        return await StoreAsync(scope, draft, request!, uid, row, ct);
    }

    private async Task<ObjectOutcome> StoreAsync(WriteScope scope, ObjectDraft draft, VirtualMachineInterfaceRequest request, Guid uid, VirtualMachineInterfaceRow? row, CancellationToken ct)
    {
        request.KnownUid = uid;
        if (!PodMapping.IsComplete(draft.Object))
        {
            if (row is not null && await store.DeleteAsync(scope, row, ct) is WriteOutcome.Refused kept) return kept.Problem;
            return new ObjectOutcome.Stored(new BoundObject(uid, draft.Namespace, draft.Name, null, null));
        }

        return (row is null ? await store.CreateAsync(scope, draft.Namespace!, request, ct) : await store.ReplaceAsync(scope, row, request, ct)).ToOutcome(draft);
    }

    /// <summary>The request of the interface; of a Pod that is not complete, as it will be once it is.</summary>
    private (VirtualMachineInterfaceRequest? Request, ObjectOutcome? Refused) Read(ObjectDraft draft, VirtualMachineInterfaceRow? row, FaultList faults)
    {
        var json = row is null ? Mapping.ToRequest(draft.Object, faults) : Mapping.ToRequest(draft.Object, RequestReader.ToJson(VirtualMachineInterfaceResources.ToRequest(row)), faults);
        if (!PodMapping.IsComplete(draft.Object))
        {
            json["virtualRouter"] = draft.Object["spec"]?["nodeName"]?.DeepClone() ?? "node";
            json["addresses"] = new JsonArray("192.0.2.1");
        }

        return requests.Read<VirtualMachineInterfaceRequest>(Mapping, json, faults, isNew: row is null);
    }

    private static async Task<IReadOnlyList<BoundObject>> BindAsync(NpgsqlConnection connection, IReadOnlyList<KubernetesObjectRow> kept, CancellationToken ct)
    {
        Guid[] bound = [.. kept.Where(k => !k.IsAlone).Select(k => k.Uid)];
        var rows = bound.Length == 0 ? [] : await VirtualMachineInterfaceTable.ReadAsync(connection, "uid = ANY ($1)", ct, Sql.Value(bound));
        var resources = (await VirtualMachineInterfaceResources.ReadAsync(connection, rows, ct)).ToDictionary(r => r.Uid);
        var ofUid = rows.ToDictionary(r => r.Uid);
        return [.. kept.Select(k => new BoundObject(k.Uid, k.Namespace, k.Name, resources.TryGetValue(k.Uid, out var resource) ? Dated(resource, k) : null, k) { Row = ofUid.GetValueOrDefault(k.Uid) })];
    }

    private static async Task<BoundObject> BindAsync(NpgsqlConnection connection, KubernetesObjectRow kept, VirtualMachineInterfaceRow row, CancellationToken ct) =>
        new(kept.Uid, kept.Namespace, kept.Name, Dated((await VirtualMachineInterfaceResources.ReadAsync(connection, [row], ct))[0], kept), kept) { Row = row };

    /// <summary>The Pod is as old as its first write, not as its interface.</summary>
    private static JsonObject Dated(VirtualMachineInterfaceResource resource, KubernetesObjectRow kept) => RequestReader.ToJson(resource with { CreatedAt = kept.CreatedAt });
}
