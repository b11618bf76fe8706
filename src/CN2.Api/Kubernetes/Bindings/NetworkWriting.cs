using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.ExternalNetworks;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Writes;
using CN2.Network.Resources;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>
/// What writes of VirtualNetworks and Subnets have in common: a VirtualNetwork becomes an ExternalNetwork with the first write after which all its
/// Subnets exist. The catalog is locked before, so no two such writes miss each other.
/// </summary>
internal sealed class NetworkWriting(ExternalNetworkStore store, SubnetUsers users, RequestReader requests)
{
    private static readonly string Subnets = NetworkSchemas.Subnet.QualifiedName;

    private readonly VirtualNetworkMapping _networks = new();
    private readonly SubnetMapping _subnets = new();

    /// <summary>Writes an ExternalNetwork as a VirtualNetwork says; without one (null) it lives alone.</summary>
    /// <param name="scope">The transaction; the catalog is locked.</param>
    /// <param name="ns">Its namespace.</param>
    /// <param name="source">The VirtualNetwork.</param>
    /// <param name="uid">Its uid.</param>
    /// <param name="row">Its network, locked; null: it lives alone until now.</param>
    /// <param name="given">A Subnet that this transaction writes; null: none.</param>
    /// <param name="isByOperator">An operator answers for the VirtualNetwork; null: whoever makes this write does.</param>
    /// <param name="ct">Ends the statements.</param>
    public async Task<(ExternalNetworkResource? Resource, ObjectOutcome? Refused)> WriteAsync(
        WriteScope scope, string ns, JsonObject source, Guid uid, ExternalNetworkRow? row, GivenSubnet? given, bool? isByOperator, CancellationToken ct)
    {
        var faults = new FaultList();
        var current = row is null ? null : RequestReader.ToJson(ExternalNetworkResources.ToRequest(row));
        var json = current is null ? _networks.ToRequest(source, faults) : _networks.ToRequest(source, current, faults);
        // What follows a Subnet of another namespace was judged when the reference was written.
        if (given is null && await HiddenAsync(scope, ns, source, row, ct) is { } hidden) return (null, hidden);
        var (subnets, missing, areByOperator) = await SubnetsAsync(scope, ns, source, current?["subnets"] as JsonArray, row, given, ct);
        if (row is not null)
        {
            foreach (var (member, name) in missing) faults.Add($"spec.{member}", $"Not found: \"{name}\"");
        }

        // One that waits is checked as it will be.
        var waits = row is null && (missing.Count > 0 || subnets.Count == 0);
        json["subnets"] = waits && subnets.Count == 0 ? AnySubnet() : subnets;
        var (request, refused) = requests.Read<ExternalNetworkRequest>(_networks, json, faults, isNew: row is null);
        if (refused is not null || waits) return (null, refused);
        request!.KnownUid = uid;
        // No write gives a network more than each of the callers who asked for its parts may do.
        request.IsAskedByEditors = !areByOperator || isByOperator == false;
        return (row is null ? await store.CreateAsync(scope, ns, request, ct) : await store.ReplaceAsync(scope, row, request, ct)) switch
        {
            WriteOutcome.Created created => ((ExternalNetworkResource)created.Resource, null),
            WriteOutcome.Saved saved => ((ExternalNetworkResource)saved.Resource, null),
            WriteOutcome.Refused problem => (null, problem.Problem),
            var other => throw new InvalidOperationException($"A write came to {other.GetType().Name}"),
        };
    }

    /// <summary>What is wrong with a VirtualNetwork, whatever its Subnets are.</summary>
    public IEnumerable<(string Path, string Message)> FaultsOf(JsonObject source)
    {
        var faults = new FaultList();
        var json = _networks.ToRequest(source, faults);
        json["subnets"] = AnySubnet();
        return requests.Read<ExternalNetworkRequest>(_networks, json, faults, isNew: true).Refused?.Faults ?? [];
    }

    /// <summary>In the place of those that are not known yet.</summary>
    private static JsonArray AnySubnet() => [new JsonObject { ["cidr"] = "192.0.2.0/24" }];

    /// <summary>
    /// Makes the networks of the first VirtualNetworks that waited for a Subnet; <see cref="NetworkCompletion"/> makes those of the others. One that cannot be made waits on, and its
    /// status says why.
    /// </summary>
    public async Task<List<ExternalNetworkResource>> CompleteAsync(WriteScope scope, GivenSubnet given, CancellationToken ct)
    {
        var made = new List<ExternalNetworkResource>();
        var waiting = await KubernetesObjectTable.ReadAsync(
            scope.Connection,
            """
            o.resource = $1 AND o.is_alone AND o.deleting_at IS NULL AND NOT EXISTS (SELECT FROM kubernetes_object n WHERE n.resource = 'namespaces' AND n.namespace = '' AND n.name = o.namespace AND n.deleting_at IS NOT NULL)
                AND (o.document #>> '{spec,v4SubnetReference,name}' = $2 OR o.document #>> '{spec,v6SubnetReference,name}' = $2)
            ORDER BY o.namespace <> $3, o.namespace, o.name FOR UPDATE
            """,
            ct, Sql.Value(SubnetUsers.VirtualNetworks), Sql.Value(given.Name), Sql.Value(given.Namespace));
        var tried = 0;
        foreach (var kept in waiting)
        {
            var source = (JsonObject)JsonNode.Parse(kept.Document)!;
            if (!SubnetNames.Families.Any(f => Cn2Form.Target(source["spec"]?[VirtualNetworkMapping.ReferenceOf(f)], kept.Namespace) == (given.Namespace, given.Name))) continue;
            if (++tried > Limits.CompletedNetworks) break; // each costs time under the lock of the catalog
            if (await CompleteAsync(scope, kept, given, ct) is { } resource) made.Add(resource);
        }

        return made;
    }

    /// <summary>Makes the network of a VirtualNetwork that waits. Null: it cannot be made, and its status says why.</summary>
    /// <param name="scope">The transaction; the catalog and the row are locked.</param>
    /// <param name="kept">The VirtualNetwork.</param>
    /// <param name="given">A Subnet that this transaction writes; null: none.</param>
    /// <param name="ct">Ends the statements.</param>
    public async Task<ExternalNetworkResource?> CompleteAsync(WriteScope scope, KubernetesObjectRow kept, GivenSubnet? given, CancellationToken ct)
    {
        var source = (JsonObject)JsonNode.Parse(kept.Document)!;
        var (resource, refused) = await WriteAsync(scope, kept.Namespace, source, kept.Uid, null, given, kept.ByOperator, ct);
        var now = kept with { IsAlone = resource is null, WaitsFor = refused is ObjectOutcome.Refused no ? HiddenNames.Hide(no.Problem.Detail, CallerRights.OfReaders(kept.Namespace)) : null };
        if (now == kept) return null;
        if (now.IsAlone) scope.Changes.Modified(ResourceKind.KubernetesObject, kept.NamespaceOrNull, $"{kept.Resource}/{kept.Name}", kept.Uid);
        await scope.SaveAsync(ct);
        await scope.ExecuteAsync([KubernetesObjectTable.Write([now])], ct);
        return resource;
    }

    /// <summary>The request of <c>/v1</c> for one subnet, and whether an operator answers for it; of one in use it was asked before. Null: the Subnet does not exist.</summary>
    private async Task<(JsonObject Request, bool IsByOperator)?> FindSubnetAsync(WriteScope scope, string ns, string name, CancellationToken ct)
    {
        if (await users.OfAsync(scope.Connection, ns, name, ct) is [var user, ..]) return ((JsonObject)RequestReader.ToJson(ExternalNetworkResources.ToRequest(user.Network))["subnets"]![user.Index]!.DeepClone(), true);
        return await KubernetesObjectTable.FindAsync(scope.Connection, Subnets, ns, name, forUpdate: false, ct) is { } kept
            ? (ToRequest((JsonObject)JsonNode.Parse(kept.Document)!, []), kept.ByOperator) : null;
    }

    /// <summary>A Subnet as one of <c>subnets</c> of a request.</summary>
    public JsonObject ToRequest(JsonObject subnet, FaultList faults)
    {
        var request = _subnets.ToRequest(subnet, faults);
        foreach (var member in request.Where(m => m.Key is "name" or "labels" or "annotations" || m.Value is null).Select(m => m.Key).ToList()) request.Remove(member);
        return request;
    }

    /// <summary>The subnets that the references name, then those that no reference can name; which references name nothing; and whether operators answer for all that is new.</summary>
    private async Task<(JsonArray Subnets, List<(string Member, string Name)> Missing, bool AreByOperator)> SubnetsAsync(
        WriteScope scope, string ns, JsonObject source, JsonArray? current, ExternalNetworkRow? row, GivenSubnet? given, CancellationToken ct)
    {
        var missing = new List<(string, string)>();
        var areByOperator = true;
        var own = row is null ? [] : await users.ReadAsync(scope.Connection, [row.Uid], ct);
        var result = new JsonArray();
        foreach (var family in SubnetNames.Families)
        {
            var member = VirtualNetworkMapping.ReferenceOf(family);
            if (Cn2Form.Target(source["spec"]?[member], ns) is not { } target) continue;
            // What the network has under this name is the truth; it may have been edited through /v1.
            var before = own.FirstOrDefault(u => u.Family == family && (u.Namespace, u.Name) == target);
            if (before is not null && given is null) result.Add(current![before.Index]!.DeepClone());
            else if (given is not null && (given.Namespace, given.Name) == target)
            {
                result.Add(given.Request.DeepClone());
                areByOperator &= scope.Rights.IsOperator;
            }
            else if (await FindSubnetAsync(scope, target.Namespace, target.Name, ct) is not { } found) missing.Add((member, $"{target.Namespace}/{target.Name}"));
            else if (SubnetNames.FamilyOf(found.Request["cidr"]?.ToString()) == family)
            {
                result.Add(found.Request);
                areByOperator &= found.IsByOperator;
            }
            else missing.Add((member, $"{target.Namespace}/{target.Name} of {family}"));
        }

        foreach (var other in own.Where(u => own.First(o => o.Family == u.Family) != u)) result.Add(current![other.Index]!.DeepClone());
        return (result, missing, areByOperator);
    }

    /// <summary>
    /// The refusal of a new reference to a Subnet of a namespace that the caller may not read: its answer is the same whether or not the Subnet exists.
    /// Null: there is no such reference.
    /// </summary>
    private async Task<ObjectOutcome?> HiddenAsync(WriteScope scope, string ns, JsonObject source, ExternalNetworkRow? row, CancellationToken ct)
    {
        if (scope.Rights.Visible is null) return null;
        var own = row is null ? [] : await users.ReadAsync(scope.Connection, [row.Uid], ct);
        foreach (var family in SubnetNames.Families)
        {
            var member = VirtualNetworkMapping.ReferenceOf(family);
            if (Cn2Form.Target(source["spec"]?[member], ns) is not { } target || target.Namespace == ns || scope.Rights.In(target.Namespace) is not null) continue;
            if (own.Any(u => u.Family == family && (u.Namespace, u.Name) == target)) continue;
            return ApiProblem.Forbidden($"spec.{member} refers to a Subnet of Namespace {target.Namespace}, in which the caller has no role; name one of its own namespaces, or ask an operator.");
        }

        return null;
    }
}
