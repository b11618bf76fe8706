using System.Net;
using CN2.Api.Data;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Audit;

/// <summary>Table <c>audit</c> by SQL (docs/adr/0007-ef-or-sql.md): one statement for any number of entries.</summary>
public static class AuditTable
{
    private const string Columns = "at, id, caller_kind, caller, source, request_id, method, path, verb, resource, namespace, name, uid, generation, status, code, dry_run, changes, repeated";

    /// <summary>For a batch in the transaction of what the entries are about.</summary>
    public static NpgsqlBatchCommand Insert(List<AuditEntry> entries) => Sql.Command(
        """
        INSERT INTO audit (at, caller_kind, caller, source, request_id, method, path, verb, resource, namespace, name, uid, generation, status, code, dry_run, changes, repeated)
        SELECT a, ck, c, s, r, m, p, v, k, ns, n, u, g, st, co, d, string_to_array(ch, chr(10)), re
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) AS t (a, ck, c, s, r, m, p, v, k, ns, n, u, g, st, co, d, ch, re)
        """,
        Sql.Array(entries, e => e.At.UtcDateTime), Sql.Array(entries, e => e.Origin.CallerKind), Sql.Array(entries, e => e.Origin.CallerName),
        Sql.Array(entries, e => e.Origin.Source, NpgsqlDbType.Inet), Sql.Array(entries, e => e.Origin.RequestId), Sql.Array(entries, e => e.Origin.Method),
        Sql.Array(entries, e => e.Origin.Path), Sql.Array(entries, e => e.Verb), Sql.Texts(entries, e => e.Subject.Resource), Sql.Texts(entries, e => e.Subject.Namespace),
        Sql.Texts(entries, e => e.Subject.Name), Sql.Array(entries, e => e.Subject.Uid, NpgsqlDbType.Uuid), Sql.Array(entries, e => e.Subject.Generation, NpgsqlDbType.Bigint),
        Sql.Array(entries, e => (short)e.Status), Sql.Texts(entries, e => e.Code), Sql.Array(entries, e => e.IsDryRun),
        Sql.Texts(entries, e => e.Changes.Count == 0 ? null : string.Join('\n', e.Changes)), Sql.Array(entries, e => e.Repeated));

    /// <summary>The newest first.</summary>
    internal static Task<List<(AuditEntryBody Entry, long Id)>> ReadAsync(NpgsqlConnection connection, AuditQuery query, CancellationToken ct) => Sql.ReadAllAsync(
        connection,
        $"""
         SELECT {Columns} FROM audit
         WHERE ($1 IS NULL OR caller = $1) AND ($2 IS NULL OR namespace = $2) AND ($3 IS NULL OR at >= $3) AND ($4 IS NULL OR at < $4) AND ($5 IS NULL OR (at, id) < ($5, $6))
             AND ($8 IS NULL OR name = $8) AND ($9 IS NULL OR resource = $9) AND ($10 IS NULL OR request_id = $10)
         ORDER BY at DESC, id DESC LIMIT $7
         """,
        Read, ct,
        Nullable(query.Caller, NpgsqlDbType.Text), Nullable(query.Namespace, NpgsqlDbType.Text), Nullable(query.From?.UtcDateTime, NpgsqlDbType.TimestampTz),
        Nullable(query.To?.UtcDateTime, NpgsqlDbType.TimestampTz), Nullable(query.After?.At.UtcDateTime, NpgsqlDbType.TimestampTz), Sql.Value(query.After?.Id ?? 0), Sql.Value(query.Rows),
        Nullable(query.Name, NpgsqlDbType.Text), Nullable(query.Resource, NpgsqlDbType.Text), Nullable(query.RequestId, NpgsqlDbType.Text));

    /// <summary>Who asked for a write, by its entry.</summary>
    /// <param name="connection">To read on.</param>
    /// <param name="at">When the write was.</param>
    /// <param name="uid">Of what was written.</param>
    /// <param name="ct">Ends the query.</param>
    /// <returns>Null: the entry is no longer kept.</returns>
    public static async Task<AuditOrigin?> FindOriginAsync(NpgsqlConnection connection, DateTimeOffset at, Guid uid, CancellationToken ct) => (await Sql.ReadAllAsync(
        connection, "SELECT caller_kind, caller, source, request_id, method, path FROM audit WHERE at = $1 AND uid = $2 ORDER BY id LIMIT 1",
        row => new AuditOrigin
        {
            CallerKind = row.GetString(0),
            CallerName = row.GetString(1),
            Source = row.IsDBNull(2) ? null : row.GetFieldValue<IPAddress>(2),
            RequestId = row.GetString(3),
            Method = row.GetString(4),
            Path = row.GetString(5),
        }, ct, Sql.Time(at), Sql.Value(uid))).FirstOrDefault();

    private static NpgsqlParameter Nullable(object? value, NpgsqlDbType type) => new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };

    private static (AuditEntryBody, long) Read(NpgsqlDataReader row) => (
        new AuditEntryBody(
            row.GetFieldValue<DateTimeOffset>(0), new AuditCaller(row.GetString(2), row.GetString(3)), row.IsDBNull(4) ? null : row.GetFieldValue<IPAddress>(4).ToString(), row.GetString(5),
            row.GetString(6), row.GetString(7), row.GetString(8), row.GetStringOrNull(9), row.GetStringOrNull(10), row.GetStringOrNull(11), row.GetGuidOrNull(12),
            row.IsDBNull(13) ? null : row.GetInt64(13), row.GetInt16(14), row.GetStringOrNull(15), row.GetBoolean(16), row.IsDBNull(17) ? [] : row.GetFieldValue<string[]>(17), row.GetInt32(18)),
        row.GetInt64(1));
}
