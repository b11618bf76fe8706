using CN2.Api.Data.Rows;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Data;

/// <summary>The replicas that share this database. Which of them are alive: <see cref="ControlNodeLiveness"/>.</summary>
public sealed class ControlNodeStore([FromKeyedServices(DatabasePools.ControlLoop)] NpgsqlDataSource dataSource, ChangeSignal signal) : IControlNodeStore
{
    /// <summary>How often a replica writes that it is alive, and checks that it still leads.</summary>
    public static readonly TimeSpan BeatInterval = TimeSpan.FromSeconds(2);

    /// <summary>A replica that is gone and announces nothing is shown for this long, so that names of containers do not pile up.</summary>
    private static readonly TimeSpan ShownAfter = TimeSpan.FromDays(1);

    /// <summary>
    /// Writes that this replica is alive. <paramref name="sessions"/> not null: its BGP sessions, saved with a change row for each
    /// BgpRouter in <paramref name="changedRouters"/>. Answers whether another replica is alive too, and whether this one was unknown: it is
    /// new, or it was believed gone and its announcement rows were removed, or others have written some for it. That is answered until it has read its rows
    /// again: an answer may be lost.
    /// </summary>
    public async Task<(bool Others, bool Unknown)> BeatAsync(
        ControlNodeBeat beat, string? sessions, IReadOnlyCollection<string> changedRouters, CancellationToken ct)
    {
        await using var batch = dataSource.CreateBatch();
        if (sessions is not null)
        {
            // Compared with the stored sessions before those are overwritten: a session that came up or went down is an event of its BgpRouter.
            batch.BatchCommands.Add(new(
                """
                INSERT INTO event (kind, name, at, type, reason, message)
                SELECT $3, s.key, now(), CASE WHEN s.up THEN 'Normal' ELSE 'Warning' END, CASE WHEN s.up THEN 'Established' ELSE 'SessionDown' END,
                       'The session with control node ' || $1 || CASE WHEN s.up THEN ' is established.' ELSE ' is down (' || (s.value ->> 'state') || ')' || coalesce(': ' || (s.value ->> 'lastError'), '.') END
                FROM (SELECT key, value, value ->> 'state' = 'Established' AS up FROM jsonb_each($2::jsonb)) s
                JOIN bgp_router r ON r.name = s.key
                WHERE s.up <> coalesce((SELECT c.sessions -> s.key ->> 'state' = 'Established' FROM control_node c WHERE c.name = $1), false)
                """)
            {
                Parameters =
                {
                    new() { Value = beat.Name }, new() { Value = sessions, NpgsqlDbType = NpgsqlDbType.Text }, new() { Value = (short)ResourceKind.BgpRouter },
                },
            });
        }

        batch.BatchCommands.Add(new(
            $$"""
            INSERT INTO control_node (name, last_seen_at, restart_time_seconds, sessions, engine_bound, engine_running, leader, address, version,
                feed_held_back_by, feed_behind_seconds, reads_protected_secrets, takes_agents, rows_lost, rows_restored)
            VALUES ($1, now(), $2, coalesce($3::jsonb, '{}'), $4, $5, $6, coalesce($7::inet, inet_client_addr()), $8, $9, $10, true, $11, {{FeedEpochs.MayLackRows}}, true)
            ON CONFLICT (name) DO UPDATE SET last_seen_at = now(), restart_time_seconds = $2, sessions = coalesce($3::jsonb, control_node.sessions),
                engine_bound = $4, engine_running = $5, leader = $6, address = excluded.address, version = $8,
                feed_held_back_by = $9, feed_behind_seconds = $10, reads_protected_secrets = true, takes_agents = $11
            RETURNING rows_restored
            """)
        {
            Parameters =
            {
                new() { Value = beat.Name }, new() { Value = beat.RestartTimeSeconds },
                new() { Value = (object?)sessions ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
                new() { Value = beat.EngineBound }, new() { Value = beat.EngineRunning }, new() { Value = beat.IsLeading },
                new() { Value = (object?)beat.Address ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Inet }, new() { Value = beat.Version },
                new() { Value = (object?)beat.Held?.By ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text }, new() { Value = beat.Held?.Seconds ?? 0 },
                new() { Value = beat.TakesAgents },
            },
        });
        if (changedRouters.Count > 0)
        {
            batch.BatchCommands.Add(new(ChangeList.InsertFrom(ResourceKind.BgpRouter, ChangeVerb.Modified, "bgp_router WHERE name = ANY($1)", statusOnly: true))
            {
                Parameters = { new() { Value = changedRouters.ToArray() } },
            });
        }

        batch.BatchCommands.Add(new($"SELECT EXISTS (SELECT FROM control_node c WHERE c.name <> $1 AND {ControlNodeLiveness.IsAlive("c", "$2")})")
        {
            Parameters = { new() { Value = beat.Name }, new() { Value = ControlNodeLiveness.GoneAfter } },
        });
        await using var reader = await batch.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        var unknown = reader.GetBoolean(0);
        await reader.NextResultAsync(ct);
        await reader.ReadAsync(ct);
        var others = reader.GetBoolean(0);
        await reader.FinishAsync(ct);
        if (changedRouters.Count > 0) signal.Set();
        return (others, unknown);
    }

    /// <summary>The BGP sessions of all control nodes as the JSON that each has last written, whether it is alive, and whether it takes agents.</summary>
    public async Task<IReadOnlyList<(string ControlNode, string Sessions, bool IsAlive, bool TakesAgents)>> SessionsAsync(CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand($"SELECT name, sessions, {ControlNodeLiveness.IsAlive("c", "$1")}, takes_agents FROM control_node c");
        command.Parameters.Add(new() { Value = ControlNodeLiveness.GoneAfter });
        var sessions = new List<(string, string, bool, bool)>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) sessions.Add((reader.GetString(0), reader.GetString(1), reader.GetBoolean(2), reader.GetBoolean(3)));
        return sessions;
    }

    /// <summary>The open transaction with the oldest id, in whatever database of the server, prepared ones included; null: there is none.</summary>
    public async Task<OpenTransaction?> OldestTransactionAsync(CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand(
            """
            SELECT name, xid::text, open FROM (
                SELECT 'pid ' || pid || ' of database ' || coalesce(datname, '-') AS name, backend_xid AS xid, clock_timestamp() - xact_start AS open
                FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
                UNION ALL
                SELECT 'prepared transaction ' || gid || ' of database ' || database, transaction, clock_timestamp() - prepared FROM pg_prepared_xacts) t
            ORDER BY age(xid) DESC LIMIT 1
            """);
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct) ? new OpenTransaction(reader.GetString(0), reader.GetString(1), reader.IsDBNull(2) ? null : reader.GetFieldValue<TimeSpan>(2)) : null;
    }

    /// <summary>
    /// Removes what control nodes that are gone have announced, where that is known to be over. The process of a control node may be gone
    /// while its engine lives and announces: only an engine that is bound to the process is gone too, and then routers hold its routes for
    /// the restart time (RFC 4724), which begins at its end: at most <see cref="ControlNodeLiveness.GoneAfter"/> after it was seen last.
    /// Rows of the others count until the control node is back or is declared dead. Rows without paths only
    /// wait for vRouters, which have moved to another replica or are lost by then. For the leader: nothing happens when its lease is no longer
    /// held.
    /// </summary>
    /// <param name="lease">The proof of the leadership.</param>
    /// <param name="inContact">
    /// How long this replica has had the database without a break or a jump of its clock (<c>HeldLease.InContact</c>): only who had all of that time to report, and
    /// did not, is gone.
    /// </param>
    /// <param name="ct">Ends the statement.</param>
    public async Task ForgetGoneAsync(LeaderLease lease, TimeSpan inContact, CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand(
            $"""
             WITH gone AS (
                 SELECT name, engine_bound, last_seen_at FROM control_node c, LATERAL (SELECT make_interval(secs => restart_time_seconds) + $1 AS patience) p
                 WHERE NOT {ControlNodeLiveness.IsAlive("c", "patience")} AND $2 > patience AND {LeaderLease.IsHeld("$3", "$4")}
             ), withdrawn AS (
                 DELETE FROM advertisement a USING gone WHERE a.control_node = gone.name AND (gone.engine_bound OR a.routes = '[]')
                 RETURNING a.floating_ip_uid AS uid, a.control_node AS name
             ), forgotten AS (
                 DELETE FROM control_node c USING gone WHERE c.name = gone.name
                     AND (gone.engine_bound
                         OR (gone.last_seen_at + $5 < now() AND NOT EXISTS (SELECT FROM advertisement a WHERE a.control_node = gone.name)))
                 RETURNING c.name
             ), writers AS (
                 DELETE FROM announcement_writer w USING forgotten WHERE w.control_node = forgotten.name
             ), applied AS (
                 DELETE FROM agents_applied a USING forgotten WHERE a.control_node = forgotten.name
             )
             {ChangeList.InsertFrom(ResourceKind.Announcements, ChangeVerb.Modified, "withdrawn", statusOnly: true)}
             """);
        command.Parameters.Add(new() { Value = ControlNodeLiveness.GoneAfter });
        command.Parameters.Add(new() { Value = inContact, NpgsqlDbType = NpgsqlDbType.Interval });
        command.Parameters.Add(new() { Value = lease.Run });
        command.Parameters.Add(new() { Value = lease.Fence });
        command.Parameters.Add(new() { Value = ShownAfter });
        if (await command.ExecuteNonQueryAsync(ct) > 0) signal.Set();
    }
}
