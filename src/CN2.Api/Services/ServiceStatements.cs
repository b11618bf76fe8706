using System.Text.Json;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Network.Status;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Services;

/// <summary>
/// The SQL that writes many Services at once, one statement a table. Constraint violations surface as they are: the caller knows
/// whom to tell.
/// </summary>
internal static class ServiceStatements
{
    public static async Task WriteAsync(NpgsqlConnection connection, IReadOnlyList<ServiceWork> works, DateTimeOffset now, ChangeList changes, CancellationToken ct)
    {
        if (works.Count == 0) return;
        await using var batch = new NpgsqlBatch(connection);
        var added = works.Where(w => w.Before is null).Select(w => w.Row).ToList();
        var modified = works.Where(w => w.Before is not null).Select(w => w.Row).ToList();
        if (added.Count > 0)
        {
            batch.BatchCommands.Add(Sql.Command(
                """
                INSERT INTO service (uid, namespace, name, labels, annotations, generation, created_at, updated_at, spec, pending_reason, pending_message)
                SELECT u, ns, n, l::jsonb, a::jsonb, 1, $9, $9, s::jsonb, pr, pm FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS t (u, ns, n, l, a, s, pr, pm)
                """,
                Sql.Array(added, r => r.Uid), Sql.Array(added, r => r.Namespace), Sql.Array(added, r => r.Name), Sql.Array(added, r => Labels(r.Labels)),
                Sql.Array(added, r => Labels(r.Annotations)), Sql.Array(added, r => r.Spec), Texts(added, r => r.PendingReason), Texts(added, r => r.PendingMessage), Sql.Time(now)));
        }

        if (modified.Count > 0)
        {
            batch.BatchCommands.Add(Sql.Command(
                """
                UPDATE service SET labels = l::jsonb, annotations = a::jsonb, generation = g, updated_at = $8, spec = s::jsonb, pending_reason = pr, pending_message = pm
                FROM unnest($1, $2, $3, $4, $5, $6, $7) AS t (u, l, a, g, s, pr, pm) WHERE uid = u
                """,
                Sql.Array(modified, r => r.Uid), Sql.Array(modified, r => Labels(r.Labels)), Sql.Array(modified, r => Labels(r.Annotations)), Sql.Array(modified, r => r.Generation),
                Sql.Array(modified, r => r.Spec), Texts(modified, r => r.PendingReason), Texts(modified, r => r.PendingMessage), Sql.Time(now)));
        }

        foreach (var work in works)
            changes.Add(ResourceKind.Service, work.Row.Namespace, work.Row.Name, work.Row.Uid, work.Before is null ? ChangeVerb.Added : ChangeVerb.Modified);

        // Those who leave first: their successors take over their names.
        var updated = works.SelectMany(w => w.Retired.Concat(w.Claimed)).ToList();
        if (updated.Count > 0)
        {
            batch.BatchCommands.Add(Sql.Command(
                """
                UPDATE floating_ip SET name = n, service_uid = s, deleting_at = d, updated_at = $5
                FROM unnest($1, $2, $3, $4) AS t (u, n, s, d) WHERE uid = u
                """,
                Sql.Array(updated, f => f.Uid), Sql.Array(updated, f => f.Name), Sql.Array(updated, f => f.ServiceUid),
                Sql.Array(updated, f => f.DeletingAt?.UtcDateTime), Sql.Time(now)));
            foreach (var row in updated) changes.Add(ResourceKind.FloatingIP, row.Namespace, row.Name, row.Uid, ChangeVerb.Modified);
        }

        var inserted = works.SelectMany(w => w.Added).ToList();
        if (inserted.Count > 0)
        {
            batch.BatchCommands.Add(Sql.Command(
                """
                INSERT INTO floating_ip (uid, namespace, name, labels, annotations, generation, created_at, updated_at, subnet_id, subnet_cidr, address,
                    external_network_uid, service_uid, reserved, spec)
                SELECT u, ns, n, '{}', '{}', 1, $9, $9, si, sc, a, en, s, false, '{}' FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS t (u, ns, n, si, sc, a, en, s)
                """,
                Sql.Array(inserted, f => f.Uid), Sql.Array(inserted, f => f.Namespace), Sql.Array(inserted, f => f.Name), Sql.Array(inserted, f => f.SubnetId),
                Sql.Array(inserted, f => f.SubnetCidr, NpgsqlDbType.Cidr), Sql.Array(inserted, f => f.Address, NpgsqlDbType.Inet),
                Sql.Array(inserted, f => f.ExternalNetworkUid), Sql.Array(inserted, f => f.ServiceUid), Sql.Time(now)));
            foreach (var row in inserted) changes.Add(ResourceKind.FloatingIP, row.Namespace, row.Name, row.Uid, ChangeVerb.Added);
        }

        var returned = works.SelectMany(w => w.ReturnedNodePorts).ToList();
        if (returned.Count > 0)
        {
            batch.BatchCommands.Add(Sql.Command("DELETE FROM node_port WHERE (protocol, port) IN (SELECT pr, po FROM unnest($1, $2) AS t (pr, po))",
                Sql.Array(returned, p => p.Protocol), Sql.Array(returned, p => p.Port)));
        }

        var ports = works.SelectMany(w => w.AskedNodePorts.Select(p => (p.Protocol, p.Port, w.Row.Uid))).ToList();
        if (ports.Count > 0)
        {
            batch.BatchCommands.Add(Sql.Command("INSERT INTO node_port (protocol, port, service_uid) SELECT * FROM unnest($1, $2, $3)",
                Sql.Array(ports, p => p.Protocol), Sql.Array(ports, p => p.Port), Sql.Array(ports, p => p.Uid)));
        }

        // Why a new one waits; what comes of it later is an event of the reconciler, which tells of conditions that move.
        var waiting = added.FindAll(r => r.PendingReason is not null);
        if (waiting.Count > 0)
        {
            batch.BatchCommands.Add(Sql.Command(
                "INSERT INTO event (kind, namespace, name, at, type, reason, message) SELECT $5, ns, n, $6, 'Warning', r, m FROM unnest($1, $2, $3, $4) AS t (ns, n, r, m)",
                Sql.Array(waiting, r => r.Namespace), Sql.Array(waiting, r => r.Name), Texts(waiting, r => r.PendingReason),
                Texts(waiting, r => $"{ConditionType.Allocated}: {r.PendingMessage}"), new NpgsqlParameter<short> { TypedValue = (short)ResourceKind.Service }, Sql.Time(now)));
        }

        changes.AddTo(batch);
        await batch.ExecuteNonQueryAsync(ct);
    }

    private static NpgsqlParameter Texts<TRow>(List<TRow> rows, Func<TRow, string?> value) => Sql.Array(rows, value, NpgsqlDbType.Text);

    private static string Labels(Dictionary<string, string> labels) => labels.Count == 0 ? "{}" : JsonSerializer.Serialize(labels);
}
