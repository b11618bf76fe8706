using System.Net;
using CN2.Api.Data;
using CN2.Api.Http;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Allocation;

/// <summary>
/// Addresses that no FloatingIP may have because somebody else does: VirtualRouters, BgpRouters, control nodes and the database server (table
/// <c>infrastructure_address</c>); in the underlay also endpoints, and the service network, whose addresses are cluster IPs. A decision asks here
/// to say whose the address is; in a race the database refuses (docs/adr/0002-the-database-is-the-referee.md).
/// </summary>
internal static class BlockedAddresses
{
    /// <summary>A FloatingIP has an address of the infrastructure.</summary>
    public const string InfrastructureConstraint = "floating_ip_is_no_infrastructure_address";

    /// <summary>A FloatingIP of the underlay, or a cluster IP, has the address of an endpoint.</summary>
    public const string EndpointConstraint = "floating_ip_is_no_endpoint";

    /// <summary>A FloatingIP of the underlay lies in the service network.</summary>
    public const string ClusterIPConstraint = "floating_ip_is_no_cluster_ip";

    /// <summary>The refusal of a FloatingIP at each of <paramref name="places"/> that is blocked.</summary>
    public static async Task<Dictionary<PooledAddress, ApiProblem>> FindAsync(NpgsqlConnection connection, List<PooledAddress> places, CancellationToken ct)
    {
        var found = await Sql.ReadAllAsync(
            connection,
            """
            SELECT p.s, p.a, i.kind, i.name, v.id, c.cidr::text FROM unnest($1, $2) AS p (s, a)
            LEFT JOIN LATERAL (SELECT kind, name FROM infrastructure_address WHERE address = p.a ORDER BY kind, name LIMIT 1) i ON true
            LEFT JOIN LATERAL (
                SELECT v.namespace || '/' || v.name AS id FROM interface_address e JOIN virtual_machine_interface v ON v.uid = e.interface_uid
                WHERE e.address = p.a AND cn2_is_shared(p.s) ORDER BY 1 LIMIT 1) v ON true
            LEFT JOIN LATERAL (
                SELECT cidr FROM subnet WHERE external_network_uid IS NULL AND cidr >>= p.a AND id <> p.s AND cn2_is_shared(p.s)) c ON true
            WHERE i.kind IS NOT NULL OR v.id IS NOT NULL OR c.cidr IS NOT NULL
            """,
            r => (Place: new PooledAddress(r.GetInt32(0), r.GetFieldValue<IPAddress>(1)), Kind: r.GetStringOrNull(2), Name: r.GetStringOrNull(3), Endpoint: r.GetStringOrNull(4), Network: r.GetStringOrNull(5)),
            ct, Sql.Array(places, p => p.SubnetId), Sql.Array(places, p => p.Address, NpgsqlDbType.Inet));
        return found.ToDictionary(f => f.Place, f => f switch
        {
            { Kind: { } kind } => ApiProblem.InfrastructureAddress($"{f.Place.Address} is {Whose(kind, f.Name!)}; ask for another address."),
            { Endpoint: { } endpoint } => ApiProblem.AddressInUse($"{f.Place.Address} is the address of VirtualMachineInterface {endpoint}; ask for another address."),
            _ => ApiProblem.AddressInUse($"{f.Place.Address} lies in {f.Network}, the service network, from which cluster IPs are given; ask for another address."),
        });
    }

    /// <summary>
    /// The refusal to attach or claim a FloatingIP whose address has become the infrastructure's; null: it has not. Nothing is locked: if that happens
    /// at the same moment, the FloatingIP is attached and not served, as one that was attached before.
    /// </summary>
    public static async Task<ApiProblem?> FindInfrastructureAsync(NpgsqlConnection connection, PooledAddress place, CancellationToken ct) =>
        (await FindAsync(connection, [place], ct)).GetValueOrDefault(place) is { Code: ProblemCodes.InfrastructureAddress } problem ? problem : null;

    /// <summary>A row of <c>infrastructure_address</c> in words.</summary>
    public static string Whose(string kind, string name) => $"the address of {(kind == "Database" ? "the database server" : $"{kind} {name}")}";

    /// <summary>A sentence about a FloatingIP that holds one of these addresses; null: none does.</summary>
    public static async Task<string?> HolderAsync(NpgsqlConnection connection, IReadOnlyCollection<IPAddress> addresses, CancellationToken ct)
    {
        var holders = await Sql.ReadAllAsync(
            connection,
            """
            SELECT host(f.address) || ' is held by FloatingIP ' || f.namespace || '/' || f.name || '; use another address, or delete what holds it.'
            FROM subnet s JOIN floating_ip f ON f.subnet_id = s.id AND f.address = ANY($1) WHERE s.cidr >>= ANY($1) ORDER BY f.address LIMIT 1
            """,
            r => r.GetString(0), ct, new NpgsqlParameter { Value = addresses.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Inet });
        return holders.SingleOrDefault();
    }

    /// <summary>The refusal is one of those above: somebody took the address at the same moment.</summary>
    public static bool Refuses(PostgresException error) => error.ConstraintName is InfrastructureConstraint or EndpointConstraint or ClusterIPConstraint;

    /// <summary>An address that came back into a pool at the moment at which somebody else took it leaves it again. The refusal begins with it.</summary>
    public static async Task TakeOutOfPoolsAsync(PostgresException refusal, NpgsqlConnection connection, CancellationToken ct)
    {
        if (!IPAddress.TryParse(refusal.MessageText.Split(' ')[0], out var address)) return;
        await using var command = new NpgsqlCommand("SELECT cn2_take_out(ARRAY(SELECT id FROM subnet WHERE cidr >>= $1 AND cn2_is_blocked(id, $1)), ARRAY[$1])", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = address, NpgsqlDbType = NpgsqlDbType.Inet });
        await command.ExecuteNonQueryAsync(ct);
    }
}
