using System.Globalization;
using System.Net;
using CN2.Api.Data;
using CN2.Api.Http;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Allocation;

/// <summary>
/// Released addresses in quarantine (table <c>resting_address</c>). Whoever asks for one by its number gets it in the namespace that had it; others are
/// refused, because clients may still use it: its name in the DNS, for example, may still lead there.
/// </summary>
internal sealed class RestingAddresses
{
    private readonly Dictionary<PooledAddress, (DateTimeOffset Until, string Namespace)> _found;

    private RestingAddresses(Dictionary<PooledAddress, (DateTimeOffset Until, string Namespace)> found) => _found = found;

    /// <summary>Those of <paramref name="places"/> that rest now, by the database's clock.</summary>
    public static async Task<RestingAddresses> FindAsync(NpgsqlConnection connection, List<PooledAddress> places, CancellationToken ct) => new((await Sql.ReadAllAsync(
        connection,
        """
        SELECT p.s, p.a, r.rests_until, r.last_namespace FROM unnest($1, $2) AS p (s, a)
        CROSS JOIN LATERAL (SELECT rests_until, last_namespace FROM resting_address WHERE subnet_id = p.s AND address = p.a AND rests_until > now() LIMIT 1) r
        """,
        r => (Place: new PooledAddress(r.GetInt32(0), r.GetFieldValue<IPAddress>(1)), Until: r.GetFieldValue<DateTimeOffset>(2), Namespace: r.GetString(3)),
        ct, Sql.Array(places, p => p.SubnetId), Sql.Array(places, p => p.Address, NpgsqlDbType.Inet))).ToDictionary(f => f.Place, f => (f.Until, f.Namespace)));

    /// <summary>The refusal of a holder in this namespace; null: the address does not rest, or the namespace had it.</summary>
    public ApiProblem? RefusalOf(PooledAddress place, string ns) => !_found.TryGetValue(place, out var rest) || rest.Namespace == ns ? null
        : ApiProblem.AddressInUse(string.Create(CultureInfo.InvariantCulture,
            $"{place.Address} was released by another namespace and rests until {rest.Until.UtcDateTime.AddSeconds(1):yyyy-MM-ddTHH:mm:ssZ}, because its network has quarantineSeconds; ask for it again then, or for another address."));
}
