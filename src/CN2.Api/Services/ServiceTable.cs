using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Json;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Resources;
using Npgsql;

namespace CN2.Api.Services;

/// <summary>Table <c>service</c> by SQL (docs/adr/0007-ef-or-sql.md): its columns stand here once, for requests and for the reconciler.</summary>
internal static class ServiceTable
{
    // The reconciler's columns come first, so that both reads share the positions.
    private const string StateColumns = "uid, namespace, name, generation, spec, pending_reason, pending_message, deleting_at";
    private const string Columns = StateColumns + ", labels, annotations, created_at, updated_at";

    /// <summary>All rows, for <see cref="ReadState"/>.</summary>
    public const string StateSql = $"SELECT {StateColumns} FROM service t";

    /// <param name="connection">Where the transaction is open, if there is one.</param>
    /// <param name="condition">SQL after WHERE over <c>service s</c>, with $1… for <paramref name="parameters"/>; may order and lock.</param>
    /// <param name="ct">Ends the query.</param>
    /// <param name="parameters">Of the condition.</param>
    public static Task<List<ServiceRow>> ReadAsync(NpgsqlConnection connection, string condition, CancellationToken ct, params NpgsqlParameter[] parameters) =>
        Sql.ReadAllAsync(connection, $"SELECT {Columns} FROM service s WHERE {condition}", ReadRow, ct, parameters);

    /// <summary>The row of this name, or none.</summary>
    public static async Task<ServiceRow?> FindAsync(NpgsqlConnection connection, string ns, string name, bool forUpdate, CancellationToken ct) =>
        (await ReadAsync(connection, $"s.namespace = $1 AND s.name = $2{(forUpdate ? " FOR UPDATE" : "")}", ct, Sql.Value(ns), Sql.Value(name))).SingleOrDefault();

    /// <summary>A row of <see cref="StateSql"/> as the compiler needs it. What is being deleted needs no spec, so a document that cannot be read does not keep it.</summary>
    public static Service ReadState(NpgsqlDataReader row) =>
        ToState(row.GetGuid(0), new NamespacedName(row.GetString(1), row.GetString(2)), row.IsDBNull(7) ? ApiJson.Read<ServiceSpec>(row.GetString(4)) : StoredDocument.ReadOr(row.GetString(4), new ServiceSpec())!) with
        {
            Generation = row.GetInt64(3),
            PendingReason = row.GetStringOrNull(5),
            PendingMessage = row.GetStringOrNull(6),
            Deleting = !row.IsDBNull(7),
        };

    /// <exception cref="FormatException">A source range cannot be read: a Service is not served with fewer restrictions than the user wrote.</exception>
    public static Service ToState(Guid uid, NamespacedName id, ServiceSpec spec) => new()
    {
        Uid = uid,
        Id = id,
        Type = spec.Type,
        Selector = LabelSet.Of(spec.Selector),
        Ports = spec.Ports.Select(p => new ServicePort(p.Name, p.Protocol, (ushort)p.Port, (ushort)p.TargetPort, (ushort)(p.NodePort ?? 0))).ToEquatableList(),
        ExternalTrafficPolicy = spec.ExternalTrafficPolicy,
        SessionAffinity = spec.SessionAffinity,
        LoadBalancerSourceRanges = spec.LoadBalancerSourceRanges
            .Select(text => AddressSyntax.TryParseNetwork(text, out var range, out var error) ? range : throw new FormatException(error)).ToEquatableList(),
    };

    /// <summary>Inserts new rows: generation 1, created and updated at <paramref name="now"/>.</summary>
    public static NpgsqlBatchCommand Insert(List<ServiceRow> rows, DateTimeOffset now) => Sql.Command(
        """
        INSERT INTO service (uid, namespace, name, labels, annotations, generation, created_at, updated_at, spec, pending_reason, pending_message)
        SELECT u, ns, n, l::jsonb, a::jsonb, 1, $9, $9, s::jsonb, pr, pm FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS t (u, ns, n, l, a, s, pr, pm)
        """,
        Sql.Array(rows, r => r.Uid), Sql.Array(rows, r => r.Namespace), Sql.Array(rows, r => r.Name), Sql.Array(rows, r => Sql.LabelsText(r.Labels)),
        Sql.Array(rows, r => Sql.LabelsText(r.Annotations)), Sql.Array(rows, r => r.Spec), Sql.Texts(rows, r => r.PendingReason), Sql.Texts(rows, r => r.PendingMessage),
        Sql.Time(now));

    /// <summary>Writes what a request or the allocation changes.</summary>
    public static NpgsqlBatchCommand Update(List<ServiceRow> rows, DateTimeOffset now) => Sql.Command(
        """
        UPDATE service SET labels = l::jsonb, annotations = a::jsonb, generation = g, updated_at = $8, spec = s::jsonb, pending_reason = pr, pending_message = pm
        FROM unnest($1, $2, $3, $4, $5, $6, $7) AS t (u, l, a, g, s, pr, pm) WHERE uid = u
        """,
        Sql.Array(rows, r => r.Uid), Sql.Array(rows, r => Sql.LabelsText(r.Labels)), Sql.Array(rows, r => Sql.LabelsText(r.Annotations)),
        Sql.Array(rows, r => r.Generation), Sql.Array(rows, r => r.Spec), Sql.Texts(rows, r => r.PendingReason), Sql.Texts(rows, r => r.PendingMessage), Sql.Time(now));

    public static NpgsqlBatchCommand MarkDeleting(Guid uid, DateTimeOffset now) =>
        Sql.Command("UPDATE service SET deleting_at = $2, updated_at = $2 WHERE uid = $1", Sql.Value(uid), Sql.Time(now));

    public static NpgsqlBatchCommand Delete(List<Guid> uids) => Sql.Command("DELETE FROM service WHERE uid = ANY($1)", Sql.Array(uids, u => u));

    private static ServiceRow ReadRow(NpgsqlDataReader row) => new()
    {
        Uid = row.GetGuid(0),
        Namespace = row.GetString(1),
        Name = row.GetString(2),
        Generation = row.GetInt64(3),
        Spec = row.GetString(4),
        PendingReason = row.GetStringOrNull(5),
        PendingMessage = row.GetStringOrNull(6),
        DeletingAt = row.GetTimeOrNull(7),
        Labels = row.GetLabels(8),
        Annotations = row.GetLabels(9),
        CreatedAt = row.GetFieldValue<DateTimeOffset>(10),
        UpdatedAt = row.GetFieldValue<DateTimeOffset>(11),
    };
}
