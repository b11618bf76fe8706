using System.Net;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Reconcile;

/// <summary>
/// What agents report, as rows. Every call is one statement or one short transaction, and writes the change rows that go with it. The
/// time at which an agent was seen is the database's, because the clocks of the replicas may differ.
/// </summary>
public sealed class AgentReportStore(NpgsqlDataSource dataSource, ChangeSignal signal)
{
    private const short VirtualRouterKind = (short)ResourceKind.VirtualRouter;

    /// <summary>
    /// An agent has dialled this replica: its VirtualRouter exists from now on (docs/contract.md §3: an agent that connects creates its own)
    /// and is connected here. Answers the addresses of the resource, which are the next hops.
    /// </summary>
    public async Task<(IPAddress Address, IPAddress? Address6)> ConnectAsync(
        string name, IPAddress address, IPAddress? address6, string version, string? overlayEngine, string controlNode, DateTimeOffset now, CancellationToken ct)
    {
        await using var connection = await dataSource.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using var command = new NpgsqlCommand(
            $$"""
            WITH made AS (
                INSERT INTO virtual_router (uid, name, address, address6, admin_down, labels, annotations, generation, created_at, updated_at)
                VALUES ($1, $2, $3, $4, false, '{}', '{}', 1, $5, $5) ON CONFLICT (name) DO NOTHING RETURNING uid, name, address, address6
            ), known AS (
                SELECT uid, name, address, address6, true AS fresh FROM made
                UNION ALL SELECT uid, name, address, address6, false FROM virtual_router WHERE name = $2 LIMIT 1
            ), status AS (
                INSERT INTO virtual_router_status AS s (uid, connected, control_node, last_seen_at, lost, desired_revision, applied_revision, applied_position, agent_version, overlay_engine)
                SELECT uid, true, $6, now(), fresh, 0, 0, 0, $7, $9 FROM known
                ON CONFLICT (uid) DO UPDATE SET connected = true, control_node = $6, last_seen_at = now(), agent_version = $7, overlay_engine = $9, applied_position = 0, applied_snapshot = NULL
            ), added AS (
                {{ChangeList.InsertFrom(ResourceKind.VirtualRouter, ChangeVerb.Added, "known WHERE fresh", statusOnly: false)}}
            ), connected AS (
                {{ChangeList.InsertFrom(ResourceKind.VirtualRouter, ChangeVerb.Modified, "known WHERE NOT fresh", statusOnly: true)}}
            ), happened AS (
                INSERT INTO event (kind, name, at, type, reason, message)
                SELECT $8, $2, $5, 'Normal', 'Connected', 'Its agent (' || $7 || ') connected to control node ' || $6 || '.' FROM known
            )
            SELECT address, address6 FROM known
            """, connection, transaction)
        {
            Parameters =
            {
                new() { Value = Guid.CreateVersion7() }, new() { Value = name }, new() { Value = address },
                new() { Value = (object?)address6 ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Inet },
                new() { Value = now }, new() { Value = controlNode }, new() { Value = version }, new() { Value = VirtualRouterKind },
                new() { Value = (object?)overlayEngine ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
            },
        };
        (IPAddress, IPAddress?) known;
        await using (var reader = await command.ExecuteReaderAsync(ct))
        {
            await reader.ReadAsync(ct);
            known = (reader.GetFieldValue<IPAddress>(0), reader.IsDBNull(1) ? null : reader.GetFieldValue<IPAddress>(1));
        }

        await transaction.CommitAsync(ct);
        signal.Set();
        return known;
    }

    /// <summary>Agents are no longer connected to this replica; <paramref name="names"/> null: all of them (the replica restarted).</summary>
    public Task DisconnectAsync(string controlNode, IReadOnlyCollection<string>? names, CancellationToken ct) => ExecuteAsync(
        $"""
        WITH gone AS (
            UPDATE virtual_router_status s SET connected = false FROM virtual_router v
            WHERE v.uid = s.uid AND s.connected AND s.control_node = $1 AND ($2::text[] IS NULL OR v.name = ANY($2))
            RETURNING v.uid, v.name
        ), happened AS (
            INSERT INTO event (kind, name, at, type, reason, message)
            SELECT $3, name, now(), 'Warning', 'Disconnected', 'The stream of its agent to control node ' || $1 || ' ended; if it stays away its routes are withdrawn.' FROM gone
        )
        {ChangeList.InsertFrom(ResourceKind.VirtualRouter, ChangeVerb.Modified, "gone", statusOnly: true)}
        """,
        ct,
        new() { Value = controlNode },
        new() { Value = (object?)names?.ToArray() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
        new() { Value = VirtualRouterKind });

    /// <summary>
    /// Saves the progress of agents with a stream to this replica. <paramref name="answered"/>: those that have acknowledged their whole
    /// configuration and so are no longer lost.
    /// </summary>
    public Task SaveAsync(string controlNode, IReadOnlyCollection<VirtualRouterProgress> progress, IReadOnlyCollection<string> answered, CancellationToken ct) => ExecuteAsync(
        $"""
        WITH p AS (
            SELECT * FROM unnest($1::text[], $2::interval[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $11::text[])
                AS p(name, silence, desired, applied, position, version, message, snapshot)
        ), before AS (
            SELECT v.uid, v.name, s.lost AND v.name = ANY($8) AS back, s.message IS DISTINCT FROM p.message OR s.applied_revision <> p.applied OR NOT s.connected AS news,
                   now() - p.silence AS seen, p.desired, p.applied, p.position, p.version, p.message, p.snapshot
            FROM p JOIN virtual_router v ON v.name = p.name JOIN virtual_router_status s ON s.uid = v.uid
            WHERE s.control_node = $9
        ), saved AS (
            UPDATE virtual_router_status s SET connected = true, last_seen_at = b.seen, desired_revision = b.desired, applied_revision = b.applied,
                applied_position = b.position, applied_snapshot = b.snapshot, agent_version = b.version, message = b.message, lost = s.lost AND NOT b.back
            FROM before b WHERE s.uid = b.uid
        ), happened AS (
            INSERT INTO event (kind, name, at, type, reason, message)
            SELECT $10, name, now(), 'Normal', 'Programmed', 'Its tables hold everything it must carry; its routes can go out.' FROM before WHERE back
        )
        {ChangeList.InsertFrom(ResourceKind.VirtualRouter, ChangeVerb.Modified, "(SELECT uid, name, NOT back AS status_only FROM before WHERE back OR news) c", statusOnly: null)}
        """,
        ct,
        new() { Value = progress.Select(p => p.Name).ToArray() },
        new() { Value = progress.Select(p => p.Silence).ToArray() },
        new() { Value = progress.Select(p => (long)p.DesiredRevision).ToArray() },
        new() { Value = progress.Select(p => (long)p.AppliedRevision).ToArray() },
        // The transaction before which it has applied all: what a replica of the version before reads (StateReader).
        new() { Value = progress.Select(p => p.Applied is { Seen.Xmin: > 0 } applied ? (long)(applied.Seen.Xmin - 1) : 0).ToArray() },
        new() { Value = progress.Select(p => p.AgentVersion).ToArray() },
        new() { Value = progress.Select(p => p.Message).ToArray() },
        new() { Value = answered.ToArray() },
        new() { Value = controlNode },
        new() { Value = VirtualRouterKind },
        new() { Value = progress.Select(p => p.Applied?.ToString()).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });

    /// <summary>Saves results of probes that are new, if the endpoint is still on that vRouter.</summary>
    public Task SaveHealthAsync(IReadOnlyCollection<EndpointHealthReport> reports, DateTimeOffset now, CancellationToken ct) => ExecuteAsync(
        $"""
        WITH saved AS (
            UPDATE virtual_machine_interface v SET health = r.health, health_message = r.message, health_changed_at = $5
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS r(uid, virtual_router, health, message)
            WHERE v.uid = r.uid AND v.virtual_router = r.virtual_router AND v.health <> r.health
            RETURNING v.uid, v.namespace, v.name, v.health, v.health_message
        ), happened AS (
            INSERT INTO event (kind, namespace, name, at, type, reason, message)
            SELECT $6, namespace, name, $5, CASE health WHEN 'Unhealthy' THEN 'Warning' ELSE 'Normal' END, health,
                   'Its health check says ' || health || coalesce(': ' || health_message, '.') FROM saved
        )
        {ChangeList.InsertFrom(ResourceKind.VirtualMachineInterface, ChangeVerb.Modified, "saved", statusOnly: false)}
        """,
        ct,
        new() { Value = reports.Select(r => r.Uid).ToArray() },
        new() { Value = reports.Select(r => r.VirtualRouter).ToArray() },
        new() { Value = reports.Select(r => r.Health).ToArray() },
        new() { Value = reports.Select(r => r.Message).ToArray() },
        new() { Value = now },
        new() { Value = (short)ResourceKind.VirtualMachineInterface });

    /// <summary>
    /// For the leader: agents of replicas that are gone become disconnected, and agents that have been away for <paramref name="lostAfter"/>
    /// become lost. A replica that was not seen for <paramref name="goneAfter"/> is gone.
    /// </summary>
    public Task MarkLostAsync(TimeSpan goneAfter, TimeSpan lostAfter, CancellationToken ct) => ExecuteAsync(
        $"""
        WITH orphaned AS (
            UPDATE virtual_router_status s SET connected = false FROM virtual_router v
            WHERE v.uid = s.uid AND s.connected
              AND NOT EXISTS (SELECT FROM control_node c WHERE c.name = s.control_node AND c.last_seen_at > now() - $1)
            RETURNING v.uid, v.name, true AS status_only
        ), lost AS (
            UPDATE virtual_router_status s SET lost = true FROM virtual_router v
            WHERE v.uid = s.uid AND NOT s.connected AND NOT s.lost AND s.last_seen_at < now() - $2
            RETURNING v.uid, v.name, false AS status_only
        ), happened AS (
            INSERT INTO event (kind, name, at, type, reason, message)
            SELECT $3, name, now(), 'Warning', 'Lost', 'Its agent has been away too long: its routes are withdrawn until it is back.' FROM lost
            UNION ALL SELECT $3, name, now(), 'Warning', 'Disconnected', 'The control node of its agent is gone; if the agent finds no other its routes are withdrawn.' FROM orphaned
        )
        {ChangeList.InsertFrom(ResourceKind.VirtualRouter, ChangeVerb.Modified, "(SELECT * FROM orphaned UNION ALL SELECT * FROM lost) c", statusOnly: null)}
        """,
        ct,
        new() { Value = goneAfter },
        new() { Value = lostAfter },
        new() { Value = VirtualRouterKind });

    private async Task ExecuteAsync(string sql, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var command = dataSource.CreateCommand(sql);
        command.Parameters.AddRange(parameters);
        if (await command.ExecuteNonQueryAsync(ct) > 0) signal.Set();
    }
}
