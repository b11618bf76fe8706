using System.Net;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Json;
using CN2.Network.Collections;
using CN2.Network.Resources;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.FloatingIPs;

/// <summary>Table <c>floating_ip</c> by SQL (docs/adr/0007-ef-or-sql.md): its columns stand here once, for requests and for the reconciler.</summary>
internal static class FloatingIPTable
{
    // The reconciler's columns come first, so that both reads share the positions.
    private const string StateColumns = "uid, namespace, name, generation, address, external_network_uid, service_uid, reserved, spec, deleting_at";
    private const string Columns = StateColumns + ", labels, annotations, created_at, updated_at, subnet_id, subnet_cidr";

    /// <summary>All rows, for <see cref="ReadState"/>.</summary>
    public const string StateSql =
        $"SELECT {StateColumns}, EXISTS (SELECT FROM infrastructure_address i WHERE i.address = t.address) FROM floating_ip t";

    /// <param name="connection">Where the transaction is open, if there is one.</param>
    /// <param name="condition">SQL after WHERE over <c>floating_ip f</c>, with $1… for <paramref name="parameters"/>; may order and lock.</param>
    /// <param name="ct">Ends the query.</param>
    /// <param name="parameters">Of the condition.</param>
    public static Task<List<FloatingIPRow>> ReadAsync(NpgsqlConnection connection, string condition, CancellationToken ct, params NpgsqlParameter[] parameters) =>
        Sql.ReadAllAsync(connection, $"SELECT {Columns} FROM floating_ip f WHERE {condition}", ReadRow, ct, parameters);

    /// <summary>The row of this name, or none.</summary>
    public static async Task<FloatingIPRow?> FindAsync(NpgsqlConnection connection, string ns, string name, bool forUpdate, CancellationToken ct) =>
        (await ReadAsync(connection, $"f.namespace = $1 AND f.name = $2{(forUpdate ? " FOR UPDATE" : "")}", ct, Sql.Value(ns), Sql.Value(name))).SingleOrDefault();

    /// <summary>All that some Services hold, including those marked for deletion, in the order of uid.</summary>
    public static Task<List<FloatingIPRow>> OfServicesAsync(NpgsqlConnection connection, IEnumerable<Guid> services, bool forUpdate, CancellationToken ct) =>
        ReadAsync(connection, $"f.service_uid = ANY($1) ORDER BY f.uid{(forUpdate ? " FOR UPDATE" : "")}", ct, Sql.Value(services.ToArray()));

    /// <summary>A row of <see cref="StateSql"/> as the compiler needs it.</summary>
    public static FloatingIP ReadState(NpgsqlDataReader row)
    {
        var text = row.GetString(8);
        // What is being deleted needs no spec, so a document that cannot be read does not keep it.
        var spec = text == "{}" ? new FloatingIPSpec() : row.IsDBNull(9) ? ApiJson.Read<FloatingIPSpec>(text) : StoredDocument.ReadOr(text, new FloatingIPSpec())!;
        return new FloatingIP
        {
            Uid = row.GetGuid(0),
            Id = new NamespacedName(row.GetString(1), row.GetString(2)),
            Generation = row.GetInt64(3),
            Address = row.GetFieldValue<IPAddress>(4),
            Kind = row.IsDBNull(5) ? FloatingIPKind.ClusterIP : FloatingIPKind.External,
            ExternalNetwork = row.GetGuidOrNull(5),
            Service = row.GetGuidOrNull(6),
            Reserved = row.GetBoolean(7),
            Interfaces = spec.Interfaces.ToEquatableList(),
            PortMappings = spec.PortMappings.Select(m => new PortMapping(m.Protocol, (ushort)m.Port, (ushort)m.TargetPort)).ToEquatableList(),
            Deleting = !row.IsDBNull(9),
            HasInfrastructureAddress = row.GetBoolean(10),
        };
    }

    /// <summary>Inserts what Services hold: without labels, annotations and spec, generation 1, created and updated at <paramref name="now"/>.</summary>
    public static NpgsqlBatchCommand InsertHeld(List<FloatingIPRow> rows, DateTimeOffset now) => Sql.Command(
        """
        INSERT INTO floating_ip (uid, namespace, name, labels, annotations, generation, created_at, updated_at, subnet_id, subnet_cidr, address,
            external_network_uid, service_uid, reserved, spec)
        SELECT u, ns, n, '{}', '{}', 1, $9, $9, si, sc, a, en, s, false, '{}' FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS t (u, ns, n, si, sc, a, en, s)
        """,
        Sql.Array(rows, f => f.Uid), Sql.Array(rows, f => f.Namespace), Sql.Array(rows, f => f.Name), Sql.Array(rows, f => f.SubnetId),
        Sql.Array(rows, f => f.SubnetCidr, NpgsqlDbType.Cidr), Sql.Array(rows, f => f.Address, NpgsqlDbType.Inet),
        Sql.Array(rows, f => f.ExternalNetworkUid), Sql.Array(rows, f => f.ServiceUid), Sql.Time(now));

    /// <summary>Inserts one that a user reserves.</summary>
    public static NpgsqlBatchCommand InsertReserved(FloatingIPRow row) => Sql.Command(
        """
        INSERT INTO floating_ip (uid, namespace, name, labels, annotations, generation, created_at, updated_at, subnet_id, subnet_cidr, address,
            external_network_uid, reserved, spec)
        VALUES ($1, $2, $3, $4::jsonb, $5::jsonb, $6, $7, $7, $8, $9, $10, $11, true, $12::jsonb)
        """,
        Sql.Value(row.Uid), Sql.Value(row.Namespace), Sql.Value(row.Name), Sql.Value(Sql.LabelsText(row.Labels)), Sql.Value(Sql.LabelsText(row.Annotations)),
        Sql.Value(row.Generation), Sql.Time(row.CreatedAt), Sql.Value(row.SubnetId), new NpgsqlParameter { Value = row.SubnetCidr, NpgsqlDbType = NpgsqlDbType.Cidr },
        new NpgsqlParameter { Value = row.Address, NpgsqlDbType = NpgsqlDbType.Inet }, Sql.Value(row.ExternalNetworkUid!.Value), Sql.Value(row.Spec));

    /// <summary>Writes what a request changes of a reserved one.</summary>
    public static NpgsqlBatchCommand UpdateReserved(FloatingIPRow row) => Sql.Command(
        "UPDATE floating_ip SET labels = $2::jsonb, annotations = $3::jsonb, generation = $4, updated_at = $5, spec = $6::jsonb WHERE uid = $1",
        Sql.Value(row.Uid), Sql.Value(Sql.LabelsText(row.Labels)), Sql.Value(Sql.LabelsText(row.Annotations)), Sql.Value(row.Generation), Sql.Time(row.UpdatedAt),
        Sql.Value(row.Spec));

    /// <summary>Writes names, Services and marks of those that a Service claims or lets go.</summary>
    public static NpgsqlBatchCommand UpdateHolders(List<FloatingIPRow> rows, DateTimeOffset now) => Sql.Command(
        """
        UPDATE floating_ip SET name = n, service_uid = s, deleting_at = d, updated_at = $5
        FROM unnest($1, $2, $3, $4) AS t (u, n, s, d) WHERE uid = u
        """,
        Sql.Array(rows, f => f.Uid), Sql.Array(rows, f => f.Name), Sql.Array(rows, f => f.ServiceUid), Sql.Array(rows, f => f.DeletingAt?.UtcDateTime), Sql.Time(now));

    public static NpgsqlBatchCommand MarkDeleting(Guid uid, DateTimeOffset now) =>
        Sql.Command("UPDATE floating_ip SET deleting_at = $2, updated_at = $2 WHERE uid = $1", Sql.Value(uid), Sql.Time(now));

    /// <summary>Marks all that a Service holds; answers namespace, name and uid of those that were not marked yet.</summary>
    public static NpgsqlBatchCommand MarkDeletingOf(Guid service, DateTimeOffset now) => Sql.Command(
        "UPDATE floating_ip SET deleting_at = $2, updated_at = $2 WHERE service_uid = $1 AND deleting_at IS NULL RETURNING namespace, name, uid",
        Sql.Value(service), Sql.Time(now));

    /// <summary>Takes reserved ones from their Service; they are no longer marked for deletion.</summary>
    public static NpgsqlBatchCommand Release(List<FloatingIPRow> rows) =>
        Sql.Command("UPDATE floating_ip SET service_uid = NULL, deleting_at = NULL, updated_at = now() WHERE uid = ANY($1)", Sql.Array(rows, f => f.Uid));

    public static NpgsqlBatchCommand Delete(List<FloatingIPRow> rows) => Sql.Command("DELETE FROM floating_ip WHERE uid = ANY($1)", Sql.Array(rows, f => f.Uid));

    private static FloatingIPRow ReadRow(NpgsqlDataReader row) => new()
    {
        Uid = row.GetGuid(0),
        Namespace = row.GetString(1),
        Name = row.GetString(2),
        Generation = row.GetInt64(3),
        Address = row.GetFieldValue<IPAddress>(4),
        ExternalNetworkUid = row.GetGuidOrNull(5),
        ServiceUid = row.GetGuidOrNull(6),
        Reserved = row.GetBoolean(7),
        Spec = row.GetString(8),
        DeletingAt = row.GetTimeOrNull(9),
        Labels = row.GetLabels(10),
        Annotations = row.GetLabels(11),
        CreatedAt = row.GetFieldValue<DateTimeOffset>(12),
        UpdatedAt = row.GetFieldValue<DateTimeOffset>(13),
        SubnetId = row.GetInt32(14),
        SubnetCidr = row.GetFieldValue<IPNetwork>(15),
    };
}
