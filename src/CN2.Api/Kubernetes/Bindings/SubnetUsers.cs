using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.ExternalNetworks;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Schemas;
using CN2.Network.Addressing;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CN2.Api.Kubernetes.Bindings;

/// <summary>
/// Which subnets of which ExternalNetworks a Subnet is. A VirtualNetwork that was written here names the first subnet of each family; every other
/// one has the name that <see cref="SubnetName"/> gives it. Several networks may have one Subnet in common, as in CN2.
/// </summary>
internal sealed partial class SubnetUsers(AttachedContexts contexts)
{
    public static readonly string VirtualNetworks = NetworkSchemas.VirtualNetwork.QualifiedName;

    private const string Name4 = "o.document #>> '{spec,v4SubnetReference,name}'";
    private const string Name6 = "o.document #>> '{spec,v6SubnetReference,name}'";
    private const string Namespace4 = "o.document #>> '{spec,v4SubnetReference,namespace}'";
    private const string Namespace6 = "o.document #>> '{spec,v6SubnetReference,namespace}'";

    /// <summary>The users of one Subnet, in the order of namespace and name of their networks.</summary>
    public async Task<List<NetworkUser>> OfAsync(NpgsqlConnection connection, string ns, string name, CancellationToken ct)
    {
        var network = Derived().Match(name) is { Success: true } match ? match.Groups[1].Value : name;
        var candidates = await Sql.ReadAllAsync(
            connection,
            $"""
             SELECT e.uid FROM external_network e WHERE e.namespace = $1 AND e.name = $4
             UNION SELECT o.uid FROM kubernetes_object o WHERE o.resource = $2 AND NOT o.is_alone AND {Name4} = $3
             UNION SELECT o.uid FROM kubernetes_object o WHERE o.resource = $2 AND NOT o.is_alone AND {Name6} = $3
             """,
            row => row.GetGuid(0), ct, Sql.Value(ns), Sql.Value(VirtualNetworks), Sql.Value(name), Sql.Value(network));
        return [.. (await ReadAsync(connection, candidates, ct)).Where(u => u.Namespace == ns && u.Name == name)];
    }

    /// <summary>All Subnets that are in use, of one namespace or (null) of all, in the order of the networks.</summary>
    public async Task<List<NetworkUser>> AllAsync(NpgsqlConnection connection, string? ns, CancellationToken ct)
    {
        var candidates = ns is null
            ? await Sql.ReadAllAsync(connection, "SELECT uid FROM external_network", row => row.GetGuid(0), ct)
            : await Sql.ReadAllAsync(
                connection,
                $"""
                 SELECT e.uid FROM external_network e WHERE e.namespace = $1
                 UNION SELECT o.uid FROM kubernetes_object o WHERE o.resource = $2 AND NOT o.is_alone
                     AND ({Namespace4} = $1 OR {Namespace6} = $1)
                 """,
                row => row.GetGuid(0), ct, Sql.Value(ns), Sql.Value(VirtualNetworks));
        return [.. (await ReadAsync(connection, candidates, ct)).Where(u => ns is null || u.Namespace == ns)];
    }

    /// <summary>The subnets of some networks, as the Subnets they are.</summary>
    public async Task<List<NetworkUser>> ReadAsync(NpgsqlConnection connection, IReadOnlyCollection<Guid> networks, CancellationToken ct)
    {
        if (networks.Count == 0) return [];
        await using var db = contexts.Attach(connection);
        var rows = await db.ExternalNetworks.AsNoTracking().Where(n => networks.Contains(n.Uid)).ToListAsync(ct);
        var kept = await KubernetesObjectTable.OfAsync(connection, VirtualNetworks, [.. networks], ct);
        return [.. rows.OrderBy(r => r.Namespace, StringComparer.Ordinal).ThenBy(r => r.Name, StringComparer.Ordinal).SelectMany(r => Of(r, kept.GetValueOrDefault(r.Uid)))];
    }

    private static IEnumerable<NetworkUser> Of(ExternalNetworkRow row, KubernetesObjectRow? kept)
    {
        var spec = StoredDocument.ReadOr(row.Spec, new ExternalNetworkSpec())!;
        var written = kept is null ? null : JsonNode.Parse(kept.Document)?["spec"];
        var seen = new Dictionary<IPFamily, int>();
        for (var i = 0; i < spec.Subnets.Count; i++)
        {
            var family = SubnetNames.FamilyOf(spec.Subnets[i].Cidr);
            var number = seen[family] = seen.GetValueOrDefault(family) + 1;
            var (ns, name) = (number == 1 ? Cn2Form.Target(written?[VirtualNetworkMapping.ReferenceOf(family)], row.Namespace) : null)
                ?? (row.Namespace, SubnetName.Of(row.Name, family, number));
            yield return new NetworkUser(row, i, family, ns, name);
        }
    }

    /// <summary>The name of a subnet that nobody named: that of its network before <c>-v4</c> or <c>-v6</c>.</summary>
    [GeneratedRegex("^(.+)-v[46](-[0-9]+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Derived();
}
