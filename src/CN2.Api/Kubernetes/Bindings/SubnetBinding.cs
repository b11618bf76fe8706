using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.ExternalNetworks;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Writes;
using CN2.Network.Resources;
using CN2.Network.Selection;
using Npgsql;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>
/// CN2's subnets. One that no network uses lives alone. One in use is a view of <c>subnets[]</c> of its ExternalNetwork: a write goes to every network
/// that uses it, and it cannot be deleted. Labels and annotations are its own, also then; <c>/v1</c> has none for a subnet.
/// </summary>
internal sealed class SubnetBinding(ExternalNetworkStore store, ExternalNetworkResources resources, NetworkWriting writing, SubnetUsers users, RequestReader requests) : IObjectBinding
{
    private static readonly string Resource = NetworkSchemas.Subnet.QualifiedName;

    public ResourceDefinition Definition => NetworkSchemas.Subnet;

    public ObjectMapping Mapping { get; } = new SubnetMapping();

    public ResourceKind? Kind => ResourceKind.ExternalNetwork;

    public int MostAlone => Limits.WaitingNetworks;

    /// <summary>Of a network: its first subnet.</summary>
    public string NameOf(JsonObject resource) => SubnetNames.Of(resource).Select(s => s.Name).FirstOrDefault() ?? resource["name"]!.GetValue<string>();

    public IEnumerable<(string Path, string Message)> FaultsOf(ObjectDraft draft, bool isNew) => Read(draft).Refused?.Faults ?? [];

    public async Task<BoundObject?> FindAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct)
    {
        var kept = await KubernetesObjectTable.FindAsync(connection, Resource, ns!, name, forUpdate: false, ct);
        return await users.OfAsync(connection, ns!, name, ct) is [var user, ..] ? (await BindAsync(connection, [(user, kept)], ct))[0] : kept is null ? null : Alone(kept);
    }

    /// <summary>Which Subnets there are follows from all networks of the namespace, so all of them are looked at; only those of the page are read whole.</summary>
    public async Task<ObjectPage> ListAsync(CN2DbContext db, ObjectRange range, CancellationToken ct)
    {
        var connection = await db.OpenSqlAsync(ct);
        var found = await AllAsync(connection, range.Namespace, ct);
        var wanted = found.Where(f => range.Scope.Has(f.Key.Namespace)).Where(f => range.After is not { } after || Compare(f.Key, after) > 0)
            .Where(f => range.Selector is null || range.Selector.Matches(LabelsOf(f.Kept))).OrderBy(f => f.Key, Comparer<(string, string)>.Create(Compare)).Take(range.Most + 1).ToList();
        var page = wanted.Take(range.Most).ToList();
        return new ObjectPage(await ToObjectsAsync(connection, page, ct), wanted.Count > range.Most ? page[^1].Key : null);
    }

    /// <summary>The uids of networks stand for all their Subnets, because the changes of those are changes of these.</summary>
    public async Task<IReadOnlyList<BoundObject>> LoadAsync(CN2DbContext db, IReadOnlyCollection<Guid> uids, CancellationToken ct)
    {
        var connection = await db.OpenSqlAsync(ct);
        var found = new Dictionary<(string, string), Found>();
        foreach (var user in await users.ReadAsync(connection, uids, ct)) found.TryAdd((user.Namespace, user.Name), new Found((user.Namespace, user.Name), user, null));
        foreach (var kept in (await KubernetesObjectTable.OfAsync(connection, Resource, [.. uids], ct)).Values)
        {
            var key = (kept.Namespace, kept.Name);
            found[key] = new Found(key, (await users.OfAsync(connection, kept.Namespace, kept.Name, ct)).FirstOrDefault(), kept);
        }

        foreach (var (key, item) in found.Where(f => f.Value.Kept is null).ToList())
        {
            if (await KubernetesObjectTable.FindAsync(connection, Resource, key.Item1, key.Item2, forUpdate: false, ct) is { } kept) found[key] = item with { Kept = kept };
        }

        return await ToObjectsAsync(connection, [.. found.Values], ct);
    }

    public async Task<BoundObject?> LockAsync(WriteScope scope, string? ns, string name, CancellationToken ct)
    {
        await Catalog.LockAsync(scope.Connection, ct);
        return await FindAsync(scope.Connection, ns, name, ct);
    }

    public async Task<ObjectOutcome> CreateAsync(WriteScope scope, ObjectDraft draft, CancellationToken ct)
    {
        if (await LockAsync(scope, draft.Namespace, draft.Name, ct) is not null) return ApiProblem.AlreadyExists($"Subnet {draft.Namespace}/{draft.Name}");
        var (request, refused) = Read(draft);
        if (refused is not null) return refused;
        return await CompleteAsync(scope, draft, Guid.CreateVersion7(scope.Now), request!, ct);
    }

    public async Task<ObjectOutcome> ReplaceAsync(WriteScope scope, BoundObject current, ObjectDraft draft, CancellationToken ct)
    {
        var networks = await users.OfAsync(scope.Connection, draft.Namespace!, draft.Name, ct);
        var (request, refused) = Read(draft);
        if (refused is not null) return refused;
        if (networks.Count == 0) return await CompleteAsync(scope, draft, current.Uid, request!, ct);
        // Networks of other namespaces may use a Subnet, and who writes it writes them.
        if (networks.Exists(u => AccessRules.Decide(scope.Rights, AccessVerb.Update, AccessResource.VirtualNetworks, u.Network.Namespace) != AccessDecision.Allowed))
            return ApiProblem.Forbidden($"Subnet {draft.Namespace}/{draft.Name} is used by a VirtualNetwork of a namespace in which the caller may not write; an operator can change it.");
        ExternalNetworkResource? first = null;
        foreach (var user in networks)
        {
            if (await store.LockAsync(scope, user.Network.Namespace, user.Network.Name, ct) is not { } row) continue;
            var json = RequestReader.ToJson(ExternalNetworkResources.ToRequest(row));
            // What no Subnet can say stays as each network has it.
            var subnet = (JsonObject)request!.DeepClone();
            if (json["subnets"]![user.Index]!["reserved"] is { } reserved) subnet["reserved"] = reserved.DeepClone();
            json["subnets"]![user.Index] = subnet;
            var (whole, wrong) = requests.Read<ExternalNetworkRequest>(new SubnetOfRequest(Mapping), json, [], isNew: false);
            if (wrong is not null) return wrong;
            switch (await store.ReplaceAsync(scope, row, whole!, ct))
            {
                case WriteOutcome.Saved saved: first ??= (ExternalNetworkResource)saved.Resource; break;
                case WriteOutcome.Refused problem: return problem.Problem;
                case var other: throw new InvalidOperationException($"A write came to {other.GetType().Name}");
            }

            // Labels and annotations are kept beside the network, and watches of the Subnet follow the network.
            scope.Changes.Modified(ResourceKind.ExternalNetwork, row.Namespace, row.Name, row.Uid, statusOnly: true);
        }

        return first is null ? ApiProblem.NotFound($"Subnet {draft.Namespace}/{draft.Name}") : Stored(draft, current.Uid, RequestReader.ToJson(first));
    }

    public async Task<ObjectOutcome> DeleteAsync(WriteScope scope, BoundObject current, CancellationToken ct)
    {
        var networks = await users.OfAsync(scope.Connection, current.Namespace!, current.Name, ct);
        return networks.Count == 0 ? new ObjectOutcome.Gone()
            : new ObjectOutcome.InUse(ApiProblem.InUse($"Subnet {current.Namespace}/{current.Name}", [.. networks.Select(u => $"VirtualNetwork {u.Network.Namespace}/{u.Network.Name}")]));
    }

    /// <summary>A Subnet that nobody has used: VirtualNetworks that wait for it become networks.</summary>
    private async Task<ObjectOutcome> CompleteAsync(WriteScope scope, ObjectDraft draft, Guid uid, JsonObject request, CancellationToken ct)
    {
        var made = await writing.CompleteAsync(scope, new GivenSubnet(draft.Namespace!, draft.Name, request), ct);
        return made is [var network, ..] ? Stored(draft, uid, RequestReader.ToJson(network), request["cidr"]!.ToString()) : new ObjectOutcome.Stored(new BoundObject(uid, draft.Namespace, draft.Name, null, null));
    }

    /// <summary>The subnet of a request that a draft stands for, and its faults by the object's paths.</summary>
    private (JsonObject? Request, ObjectOutcome? Refused) Read(ObjectDraft draft)
    {
        var faults = new FaultList();
        if (NameSyntax.FaultOfDnsSubdomain(draft.Name) is { } fault) faults.Add("metadata.name", fault);
        var request = writing.ToRequest(draft.Object, faults);
        var network = new JsonObject { ["name"] = "network", ["subnets"] = new JsonArray(request.DeepClone()) };
        var (_, refused) = requests.Read<ExternalNetworkRequest>(new SubnetOfRequest(Mapping), network, faults, isNew: true);
        return refused is null ? (request, null) : (null, refused);
    }

    private static ObjectOutcome.Stored Stored(ObjectDraft draft, Guid uid, JsonObject network, string? cidr = null)
    {
        var wanted = cidr ?? draft.Object["spec"]?["cidr"]?.ToString();
        var subnet = (network["subnets"] as JsonArray ?? []).OfType<JsonObject>().FirstOrDefault(s => s["cidr"]?.ToString() == wanted) ?? [];
        var resource = SubnetMapping.ResourceOf(network, subnet, draft.Name);
        Own(resource, uid, draft.Namespace!, draft.Object["metadata"]);
        return new ObjectOutcome.Stored(new BoundObject(uid, draft.Namespace, draft.Name, resource, null) { VersionUid = Guid.Parse(network["uid"]!.ToString()) });
    }

    private async Task<List<Found>> AllAsync(NpgsqlConnection connection, string? ns, CancellationToken ct)
    {
        var kept = (await KubernetesObjectTable.ReadAsync(connection, "o.resource = $1 AND ($2 = '' OR o.namespace = $2)", ct, Sql.Value(Resource), Sql.Value(ns ?? ""))).ToDictionary(k => (k.Namespace, k.Name));
        var found = kept.ToDictionary(k => k.Key, k => new Found(k.Key, null, k.Value));
        foreach (var user in await users.AllAsync(connection, ns, ct))
        {
            var key = (user.Namespace, user.Name);
            if (!found.TryGetValue(key, out var item) || item.User is null) found[key] = new Found(key, user, kept.GetValueOrDefault(key));
        }

        return [.. found.Values];
    }

    private async Task<List<BoundObject>> ToObjectsAsync(NpgsqlConnection connection, List<Found> page, CancellationToken ct)
    {
        var bound = (await BindAsync(connection, [.. page.Where(f => f.User is not null).Select(f => (f.User!, f.Kept))], ct)).ToDictionary(b => (b.Namespace!, b.Name));
        return [.. page.Select(f => f.User is null ? Alone(f.Kept!) : bound[f.Key])];
    }

    private async Task<List<BoundObject>> BindAsync(NpgsqlConnection connection, List<(NetworkUser User, KubernetesObjectRow? Kept)> page, CancellationToken ct)
    {
        var rows = page.Select(p => p.User.Network).DistinctBy(n => n.Uid).ToList();
        var shown = (await resources.ReadAsync(connection, rows, ct)).ToDictionary(r => r.Uid, RequestReader.ToJson);
        return [.. page.Select(p =>
        {
            var network = shown[p.User.Network.Uid];
            var resource = SubnetMapping.ResourceOf(network, (JsonObject)network["subnets"]![p.User.Index]!, p.User.Name);
            var uid = p.Kept?.Uid ?? DerivedUid.Of("subnet", p.User.Network.Uid.ToString(), p.User.Name);
            Own(resource, uid, p.User.Namespace, p.Kept is null ? null : JsonNode.Parse(p.Kept.Document)?["metadata"]);
            if (p.Kept is not null) resource["createdAt"] = KubernetesTime.Text(p.Kept.CreatedAt);
            return new BoundObject(uid, p.User.Namespace, p.User.Name, resource, p.Kept) { VersionUid = p.User.Network.Uid };
        })];
    }

    /// <summary>What the Subnet has of its own, and not of its network.</summary>
    private static void Own(JsonObject resource, Guid uid, string ns, JsonNode? metadata)
    {
        resource["uid"] = uid.ToString();
        resource["namespace"] = ns;
        foreach (var member in (string[])["labels", "annotations"])
        {
            if (metadata?[member] is { } value) resource[member] = value.DeepClone();
        }
    }

    private static BoundObject Alone(KubernetesObjectRow kept) => new(kept.Uid, kept.Namespace, kept.Name, null, kept);

    private static Dictionary<string, string> LabelsOf(KubernetesObjectRow? kept) =>
        (kept is null ? null : JsonNode.Parse(kept.Document)?["metadata"]?["labels"] as JsonObject)?.ToDictionary(l => l.Key, l => l.Value?.ToString() ?? "") ?? [];

    private static int Compare((string, string) one, (string, string) other) =>
        string.CompareOrdinal(one.Item1, other.Item1) is not 0 and var order ? order : string.CompareOrdinal(one.Item2, other.Item2);

    private sealed record Found((string Namespace, string Name) Key, NetworkUser? User, KubernetesObjectRow? Kept);
}
