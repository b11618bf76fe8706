using System.Text.Json;
using CN2.Api.Data.Rows;
using Npgsql;

namespace CN2.Api.Services;

/// <summary>Reads service rows by plain SQL, for paths that do without EF.</summary>
internal static class ServiceRows
{
    /// <param name="condition">SQL after WHERE over <c>service s</c>, with $1… for <paramref name="parameters"/>; may order and lock.</param>
    public static async Task<List<ServiceRow>> ReadAsync(NpgsqlConnection connection, string condition, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var command = new NpgsqlCommand(
            $"""
             SELECT s.uid, s.namespace, s.name, s.labels::text, s.annotations::text, s.generation, s.created_at, s.updated_at, s.spec::text,
                 s.pending_reason, s.pending_message, s.deleting_at
             FROM service s WHERE {condition}
             """, connection);
        command.Parameters.AddRange(parameters);
        var rows = new List<ServiceRow>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            rows.Add(new ServiceRow
            {
                Uid = reader.GetGuid(0),
                Namespace = reader.GetString(1),
                Name = reader.GetString(2),
                Labels = Map(reader.GetString(3)),
                Annotations = Map(reader.GetString(4)),
                Generation = reader.GetInt64(5),
                CreatedAt = reader.GetFieldValue<DateTimeOffset>(6),
                UpdatedAt = reader.GetFieldValue<DateTimeOffset>(7),
                Spec = reader.GetString(8),
                PendingReason = reader.IsDBNull(9) ? null : reader.GetString(9),
                PendingMessage = reader.IsDBNull(10) ? null : reader.GetString(10),
                DeletingAt = reader.IsDBNull(11) ? null : reader.GetFieldValue<DateTimeOffset>(11),
            });
        }

        return rows;
    }

    private static Dictionary<string, string> Map(string json) => json == "{}" ? [] : JsonSerializer.Deserialize<Dictionary<string, string>>(json)!;
}
