using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.FloatingIPs;
using CN2.Api.Writes;
using CN2.Network.Status;
using Npgsql;

namespace CN2.Api.Services;

/// <summary>
/// The SQL that writes many Services at once, one statement per table. Constraint violations are not caught here: the caller knows
/// which requests they concern.
/// </summary>
internal static class ServiceStatements
{
    /// <summary>The transaction, when there is a Service with something to keep of its Kubernetes object: its first version.</summary>
    public static async Task<WriteMoment?> WriteAsync(WriteScope scope, IReadOnlyList<ServiceWork> works, CancellationToken ct)
    {
        if (works.Count == 0) return null;
        var (now, changes) = (scope.Now, scope.Changes);
        var commands = new List<NpgsqlBatchCommand>();
        var added = works.Where(w => w.Before is null).Select(w => w.Row).ToList();
        if (added.Count > 0) commands.Add(ServiceTable.Insert(added, now));
        var modified = works.Where(w => w.Before is not null).Select(w => w.Row).ToList();
        if (modified.Count > 0) commands.Add(ServiceTable.Update(modified, now));
        // Retired FloatingIPs come before new ones, because their successors take over their names.
        var updated = works.SelectMany(w => w.Retired.Concat(w.Claimed)).ToList();
        if (updated.Count > 0) commands.Add(FloatingIPTable.UpdateHolders(updated, now));
        var inserted = works.SelectMany(w => w.Added).ToList();
        if (inserted.Count > 0) commands.Add(FloatingIPTable.InsertHeld(inserted, now));
        AddNodePorts(commands, works);
        var kept = works.Select(w => w.Kept).OfType<KubernetesObjectRow>().ToList();
        if (kept.Count > 0) commands.Add(KubernetesObjectTable.Write(kept));
        // The event says why a new Service is pending. Later events come from the reconciler, when a condition changes.
        var waiting = added.FindAll(r => r.PendingReason is not null);
        if (waiting.Count > 0)
        {
            commands.Add(Sql.Command(
                "INSERT INTO event (kind, namespace, name, at, type, reason, message) SELECT $5, ns, n, $6, 'Warning', r, m FROM unnest($1, $2, $3, $4) AS t (ns, n, r, m)",
                Sql.Array(waiting, r => r.Namespace), Sql.Array(waiting, r => r.Name), Sql.Texts(waiting, r => r.PendingReason),
                Sql.Texts(waiting, r => $"{ConditionType.Allocated}: {r.PendingMessage}"), Sql.Value((short)ResourceKind.Service), Sql.Time(now)));
        }

        foreach (var row in added) changes.Added(ResourceKind.Service, row.Namespace, row.Name, row.Uid);
        foreach (var row in modified) changes.Modified(ResourceKind.Service, row.Namespace, row.Name, row.Uid);
        foreach (var row in updated) changes.Modified(ResourceKind.FloatingIP, row.Namespace, row.Name, row.Uid);
        foreach (var row in inserted) changes.Added(ResourceKind.FloatingIP, row.Namespace, row.Name, row.Uid);
        if (kept.Count > 0) return await scope.ExecuteAndTellAsync(commands, ct);
        await scope.ExecuteAsync(commands, ct);
        return null;
    }

    private static void AddNodePorts(List<NpgsqlBatchCommand> commands, IReadOnlyList<ServiceWork> works)
    {
        var returned = works.SelectMany(w => w.ReturnedNodePorts).ToList();
        if (returned.Count > 0)
        {
            commands.Add(Sql.Command("DELETE FROM node_port WHERE (protocol, port) IN (SELECT pr, po FROM unnest($1, $2) AS t (pr, po))",
                Sql.Array(returned, p => p.Protocol), Sql.Array(returned, p => p.Port)));
        }

        var taken = works.SelectMany(w => w.AskedNodePorts.Select(p => (p.Protocol, p.Port, w.Row.Uid))).ToList();
        if (taken.Count > 0)
        {
            commands.Add(Sql.Command("INSERT INTO node_port (protocol, port, service_uid) SELECT * FROM unnest($1, $2, $3)",
                Sql.Array(taken, p => p.Protocol), Sql.Array(taken, p => p.Port), Sql.Array(taken, p => p.Uid)));
        }
    }
}
