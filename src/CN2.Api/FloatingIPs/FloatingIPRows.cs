using System.Net;
using System.Text.Json;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Json;
using Npgsql;

namespace CN2.Api.FloatingIPs;

/// <summary>Reads floating_ip rows by plain SQL, for paths that do without EF.</summary>
public static class FloatingIPRows
{
    /// <param name="condition">SQL after WHERE over <c>floating_ip f</c>, with $1… for <paramref name="parameters"/>; may order and lock.</param>
    public static async Task<List<FloatingIPRow>> ReadAsync(NpgsqlConnection connection, string condition, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var command = new NpgsqlCommand(
            $"""
             SELECT f.uid, f.namespace, f.name, f.labels::text, f.annotations::text, f.generation, f.created_at, f.updated_at, f.subnet_id, f.subnet_cidr,
                 f.address, f.external_network_uid, f.service_uid, f.reserved, f.spec::text, f.deleting_at
             FROM floating_ip f WHERE {condition}
             """, connection);
        command.Parameters.AddRange(parameters);
        var rows = new List<FloatingIPRow>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            rows.Add(new FloatingIPRow
            {
                Uid = reader.GetGuid(0),
                Namespace = reader.GetString(1),
                Name = reader.GetString(2),
                Labels = Map(reader.GetString(3)),
                Annotations = Map(reader.GetString(4)),
                Generation = reader.GetInt64(5),
                CreatedAt = reader.GetFieldValue<DateTimeOffset>(6),
                UpdatedAt = reader.GetFieldValue<DateTimeOffset>(7),
                SubnetId = reader.GetInt32(8),
                SubnetCidr = reader.GetFieldValue<IPNetwork>(9),
                Address = reader.GetFieldValue<IPAddress>(10),
                ExternalNetworkUid = reader.IsDBNull(11) ? null : reader.GetGuid(11),
                ServiceUid = reader.IsDBNull(12) ? null : reader.GetGuid(12),
                Reserved = reader.GetBoolean(13),
                Spec = reader.GetString(14),
                DeletingAt = reader.IsDBNull(15) ? null : reader.GetFieldValue<DateTimeOffset>(15),
            });
        }

        return rows;
    }

    /// <summary>All that belongs to some Services, what is on its way out too, in the order of uid.</summary>
    public static Task<List<FloatingIPRow>> OfServicesAsync(NpgsqlConnection connection, IEnumerable<Guid> services, bool forUpdate, CancellationToken ct) =>
        ReadAsync(connection, $"f.service_uid = ANY($1) ORDER BY f.uid{(forUpdate ? " FOR UPDATE" : "")}", ct, new NpgsqlParameter<Guid[]> { TypedValue = [.. services] });

    /// <summary>A reserved one that interfaces are attached to directly.</summary>
    public static bool IsAttached(FloatingIPRow row) => row.Reserved && ApiJson.Read<FloatingIPSpec>(row.Spec).Interfaces.Count > 0;

    private static Dictionary<string, string> Map(string json) => json == "{}" ? [] : JsonSerializer.Deserialize<Dictionary<string, string>>(json)!;
}
