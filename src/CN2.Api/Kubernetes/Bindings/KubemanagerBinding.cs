using System.Text.Json.Nodes;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.ExternalNetworkSelectors;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Writes;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>
/// CN2's kubemanagers: the one <c>contrail/contrail-k8s-kubemanager</c>, in two versions. A write of its <c>externalNetworkSelectors</c> makes,
/// changes and deletes ExternalNetworkSelectors. <c>default-external</c> always exists: when it is left out, it stays as it is.
/// </summary>
/// <param name="definition">The version.</param>
internal abstract class KubemanagerBinding(ResourceDefinition definition, ExternalNetworkSelectorStore store, RequestReader requests, AttachedContexts contexts) : IObjectBinding
{
    private const string Default = "default-external";

    private static readonly Guid Uid = DerivedUid.Of("kubemanager", KubemanagerMapping.Name);

    private static readonly string Resource = KubemanagerSchema.V1.QualifiedName;

    public ResourceDefinition Definition => definition;

    public ObjectMapping Mapping { get; } = new KubemanagerMapping();

    public ResourceKind? Kind => ResourceKind.ExternalNetworkSelector;

    public string NameOf(JsonObject resource) => KubemanagerMapping.Name;

    public async Task<BoundObject?> FindAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct)
    {
        if ((ns, name) != (KubemanagerMapping.Namespace, KubemanagerMapping.Name)) return null;
        await using var db = contexts.Attach(connection);
        return await ReadAsync(db, connection, ct);
    }

    public async Task<ObjectPage> ListAsync(CN2DbContext db, ObjectRange range, CancellationToken ct)
    {
        if (range.Namespace is not (null or KubemanagerMapping.Namespace) || range.After is not null) return new ObjectPage([], null);
        var one = await ReadAsync(db, await db.OpenSqlAsync(ct), ct);
        return new ObjectPage(range.Selector is null || range.Selector.Matches(LabelsOf(one.Resource!)) ? [one] : [], null);
    }

    /// <summary>The changes of every selector are those of the one object.</summary>
    public async Task<IReadOnlyList<BoundObject>> LoadAsync(CN2DbContext db, IReadOnlyCollection<Guid> uids, CancellationToken ct) =>
        uids.Count == 0 ? [] : [await ReadAsync(db, await db.OpenSqlAsync(ct), ct)];

    public async Task<BoundObject?> LockAsync(WriteScope scope, string? ns, string name, CancellationToken ct)
    {
        if ((ns, name) != (KubemanagerMapping.Namespace, KubemanagerMapping.Name)) return null;
        await Allocation.Catalog.LockAsync(scope.Connection, ct);
        return await ReadAsync(scope.Db, scope.Connection, ct);
    }

    public Task<ObjectOutcome> CreateAsync(WriteScope scope, ObjectDraft draft, CancellationToken ct) => throw new InvalidOperationException("There is one Kubemanager");

    public async Task<ObjectOutcome> ReplaceAsync(WriteScope scope, BoundObject current, ObjectDraft draft, CancellationToken ct)
    {
        var faults = new FaultList();
        var rows = (await scope.Db.ExternalNetworkSelectors.AsTracking().OrderBy(s => s.Name).ToListAsync(ct)).ToDictionary(s => s.Name);
        var changes = new List<(ExternalNetworkSelectorRow? Row, ExternalNetworkSelectorRequest Request)>();
        foreach (var item in ItemsOf(draft, faults))
        {
            var row = rows.GetValueOrDefault(item["name"]!.ToString());
            var (request, refused) = Read(item, row, faults);
            if (request is not null) changes.Add((row, request));
            else if (refused is not null) return refused;
        }

        if (faults.Count > 0) return new ObjectOutcome.Refused(ApiProblem.Validation(faults), HasObjectPaths: true);
        foreach (var (row, request) in changes)
        {
            if ((row is null ? store.Create(scope, request) : store.Replace(scope, row, request)) is WriteOutcome.Refused refused) return refused.Problem;
        }

        var named = changes.Select(c => c.Request.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var gone in rows.Values.Where(r => r.Name != Default && !named.Contains(r.Name)))
        {
            if (store.Delete(scope, gone) is WriteOutcome.Refused refused) return refused.Problem;
        }

        await scope.SaveAsync(ct);
        // Its version follows the newest change of its selectors, so there is one also when the last change was a deletion.
        if (rows.GetValueOrDefault(Default) is { } all) scope.Changes.Modified(ResourceKind.ExternalNetworkSelector, null, all.Name, all.Uid, statusOnly: true);
        return new ObjectOutcome.Stored(await ReadAsync(scope.Db, scope.Connection, ct));
    }

    public IEnumerable<(string Path, string Message)> FaultsOf(ObjectDraft draft, bool isNew)
    {
        var faults = new FaultList();
        foreach (var item in ItemsOf(draft, faults)) Read(item, null, faults);
        return faults.Select(f => (f.Path, f.Message));
    }

    private IEnumerable<JsonObject> ItemsOf(ObjectDraft draft, FaultList faults) => ((JsonArray)Mapping.ToRequest(draft.Object, faults)["items"]!).OfType<JsonObject>();

    /// <summary>The request of one selector; its faults are added. Refused without a fault: it cannot be read at all.</summary>
    private (ExternalNetworkSelectorRequest? Request, ObjectOutcome? Refused) Read(JsonObject item, ExternalNetworkSelectorRow? row, FaultList faults)
    {
        var json = row is null ? [] : RequestReader.ToJson(ExternalNetworkSelectorStore.ToRequest(row));
        foreach (var member in (string[])["networkSelector", "namespaceSelector"]) json.Remove(member);
        foreach (var (member, value) in item) json[member] = value?.DeepClone();
        var wrong = new FaultList();
        var (request, refused) = requests.Read<ExternalNetworkSelectorRequest>(new SelectorPaths(item["name"]!.ToString()), json, wrong, isNew: row is null);
        faults.AddAll(wrong.Select(f => (f.Path, f.Message)));
        return (request, wrong.Count == 0 ? refused : null);
    }

    public Task<ObjectOutcome> DeleteAsync(WriteScope scope, BoundObject current, CancellationToken ct) => throw new InvalidOperationException("There is one Kubemanager");

    private static async Task<BoundObject> ReadAsync(CN2DbContext db, NpgsqlConnection connection, CancellationToken ct)
    {
        var rows = await db.ExternalNetworkSelectors.AsNoTracking().OrderBy(s => s.Name).ToListAsync(ct);
        var kept = await KubernetesObjectTable.FindAsync(connection, Resource, KubemanagerMapping.Namespace, KubemanagerMapping.Name, forUpdate: false, ct);
        var resource = new JsonObject
        {
            ["name"] = KubemanagerMapping.Name,
            ["namespace"] = KubemanagerMapping.Namespace,
            ["uid"] = Uid.ToString(),
            ["generation"] = (await Sql.ReadAllAsync(connection, "SELECT selectors_written FROM catalog", row => row.GetInt64(0), ct))[0],
            ["createdAt"] = rows.Count == 0 ? null : rows.Min(r => r.CreatedAt).UtcDateTime.ToString("O"),
            ["items"] = new JsonArray([.. rows.Select(r => RequestReader.ToJson(ExternalNetworkSelectorStore.ToResource(r)))]),
        };
        if (kept is not null && JsonNode.Parse(kept.Document)?["metadata"] is JsonObject metadata)
        {
            foreach (var member in (string[])["labels", "annotations"])
            {
                if (metadata[member] is { } value) resource[member] = value.DeepClone();
            }
        }

        return new BoundObject(Uid, KubemanagerMapping.Namespace, KubemanagerMapping.Name, resource, kept) { VersionUid = await NewestAsync(connection, ct) };
    }

    /// <summary>The selector that was changed last.</summary>
    private static async Task<Guid?> NewestAsync(NpgsqlConnection connection, CancellationToken ct) => (await Sql.ReadAllAsync(
        connection,
        """
        SELECT s.uid FROM external_network_selector s LEFT JOIN LATERAL (SELECT c.xid FROM change c WHERE c.uid = s.uid ORDER BY c.xid DESC LIMIT 1) n ON true
        ORDER BY n.xid DESC NULLS LAST, s.name LIMIT 1
        """,
        row => (Guid?)row.GetGuid(0), ct)).FirstOrDefault();

    private static Dictionary<string, string> LabelsOf(JsonObject resource) => (resource["labels"] as JsonObject)?.ToDictionary(l => l.Key, l => l.Value?.ToString() ?? "") ?? [];

    /// <summary>Names the faults of one selector by the paths of the Kubemanager.</summary>
    private sealed class SelectorPaths(string selector) : ObjectMapping
    {
        public override IReadOnlyList<string> Meant => [];

        public override string ToObjectPath(string path) => KubemanagerMapping.ToObjectPath(selector, path);

        protected override void Fill(JsonObject resource, JsonObject target) => throw new InvalidOperationException("It only translates paths.");

        protected override void Read(JsonObject source, JsonObject request, FaultList faults) => throw new InvalidOperationException("It only translates paths.");
    }
}

/// <summary>kubemanagers of <c>configplane.juniper.net/v1</c>.</summary>
internal sealed class KubemanagerV1Binding(ExternalNetworkSelectorStore store, RequestReader requests, AttachedContexts contexts)
    : KubemanagerBinding(KubemanagerSchema.V1, store, requests, contexts);

/// <summary>The same in <c>v1alpha1</c>.</summary>
internal sealed class KubemanagerV1Alpha1Binding(ExternalNetworkSelectorStore store, RequestReader requests, AttachedContexts contexts)
    : KubemanagerBinding(KubemanagerSchema.V1Alpha1, store, requests, contexts);
