using System.Net;
using CN2.Api.Data;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Allocation;

/// <summary>
/// Addresses that no FloatingIP may have: those of VirtualRouters, BgpRouters, control nodes and the database server (table
/// <c>infrastructure_address</c>). A decision asks here to say whose the address is; in a race the database refuses.
/// </summary>
internal static class InfrastructureAddresses
{
    /// <summary>A FloatingIP has an address of the infrastructure.</summary>
    public const string FloatingIPConstraint = "floating_ip_is_no_infrastructure_address";

    /// <summary>A VirtualRouter or BgpRouter has the address of a FloatingIP.</summary>
    public const string InfrastructureConstraint = "infrastructure_address_is_no_floating_ip";

    /// <summary>Those of <paramref name="addresses"/> that are the infrastructure's, with a sentence that says whose.</summary>
    public static async Task<Dictionary<IPAddress, string>> FindAsync(NpgsqlConnection connection, IReadOnlyCollection<IPAddress> addresses, CancellationToken ct)
    {
        var found = await Sql.ReadAllAsync(
            connection, "SELECT DISTINCT ON (address) address, kind, name FROM infrastructure_address WHERE address = ANY($1) ORDER BY address, kind, name",
            r => (Address: r.GetFieldValue<IPAddress>(0), Kind: r.GetString(1), Name: r.GetString(2)), ct, Inet(addresses));
        return found.ToDictionary(f => f.Address, f => $"{f.Address} is the address of {(f.Kind == "Database" ? "the database server" : $"{f.Kind} {f.Name}")}; ask for another address.");
    }

    /// <summary>A sentence about a FloatingIP that holds one of these addresses; null: none does.</summary>
    public static async Task<string?> HolderAsync(NpgsqlConnection connection, IReadOnlyCollection<IPAddress> addresses, CancellationToken ct)
    {
        var holders = await Sql.ReadAllAsync(
            connection,
            """
            SELECT host(f.address) || ' is held by FloatingIP ' || f.namespace || '/' || f.name || '; use another address, or delete what holds it.'
            FROM subnet s JOIN floating_ip f ON f.subnet_id = s.id AND f.address = ANY($1) WHERE s.cidr >>= ANY($1) ORDER BY f.address LIMIT 1
            """,
            r => r.GetString(0), ct, Inet(addresses));
        return holders.SingleOrDefault();
    }

    /// <summary>An address that came back into a pool at the moment at which it became the infrastructure's leaves it again.</summary>
    public static async Task TakeOutOfPoolsAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            "DELETE FROM free_address f USING infrastructure_address i, subnet s WHERE s.cidr >>= i.address AND f.subnet_id = s.id AND f.address = i.address", connection);
        await command.ExecuteNonQueryAsync(ct);
    }

    private static NpgsqlParameter Inet(IReadOnlyCollection<IPAddress> addresses) => new() { Value = addresses.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Inet };
}
