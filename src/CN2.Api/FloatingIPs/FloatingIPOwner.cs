using CN2.Api.Data.Documents;
using Npgsql;

namespace CN2.Api.FloatingIPs;

/// <summary>The parts of a Service that the representation of its FloatingIPs shows.</summary>
internal sealed record FloatingIPOwner(string Name, ServiceSpec Spec)
{
    public static async Task<Dictionary<Guid, FloatingIPOwner>> ReadAsync(NpgsqlConnection connection, IEnumerable<Guid> services, CancellationToken ct)
    {
        var owners = new Dictionary<Guid, FloatingIPOwner>();
        var uids = services.Distinct().ToArray();
        if (uids.Length == 0) return owners;
        await using var command = new NpgsqlCommand("SELECT uid, name, spec::text FROM service WHERE uid = ANY($1)", connection);
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = uids });
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) owners[reader.GetGuid(0)] = new FloatingIPOwner(reader.GetString(1), StoredDocument.ReadOr(reader.GetString(2), new ServiceSpec())!);
        return owners;
    }
}
