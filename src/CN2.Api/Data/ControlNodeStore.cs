using CN2.Api.Data.Rows;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Data;

/// <summary>The replicas that share this database. Which of them are alive is decided by the database's clock, because their own may differ.</summary>
public sealed class ControlNodeStore(NpgsqlDataSource dataSource, ChangeSignal signal)
{
    /// <summary>How often a replica writes that it is alive, and checks that it still leads.</summary>
    public static readonly TimeSpan BeatInterval = TimeSpan.FromSeconds(2);

    /// <summary>A replica that was not seen for this long is gone.</summary>
    public static readonly TimeSpan GoneAfter = 3 * BeatInterval;

    /// <summary>
    /// Writes that this replica is alive. <paramref name="sessions"/> not null: its BGP sessions, saved with a change row for each
    /// BgpRouter in <paramref name="changedRouters"/>. Answers whether another replica is alive too, and whether this one was unknown: it is
    /// new, or it was believed gone and its announcement rows were removed.
    /// </summary>
    public async Task<(bool Others, bool Unknown)> BeatAsync(
        string name, int restartTimeSeconds, string? sessions, IReadOnlyCollection<string> changedRouters, CancellationToken ct)
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
                    new() { Value = name }, new() { Value = sessions, NpgsqlDbType = NpgsqlDbType.Text }, new() { Value = (short)ResourceKind.BgpRouter },
                },
            });
        }

        batch.BatchCommands.Add(new(
            """
            INSERT INTO control_node (name, last_seen_at, restart_time_seconds, sessions) VALUES ($1, now(), $2, coalesce($3::jsonb, '{}'))
            ON CONFLICT (name) DO UPDATE SET last_seen_at = now(), restart_time_seconds = $2, sessions = coalesce($3::jsonb, control_node.sessions)
            RETURNING xmax = 0
            """)
        {
            Parameters =
            {
                new() { Value = name }, new() { Value = restartTimeSeconds },
                new() { Value = (object?)sessions ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
            },
        });
        if (changedRouters.Count > 0)
        {
            batch.BatchCommands.Add(new(ChangeList.InsertFrom(ResourceKind.BgpRouter, ChangeVerb.Modified, "bgp_router WHERE name = ANY($1)", statusOnly: true))
            {
                Parameters = { new() { Value = changedRouters.ToArray() } },
            });
        }

        batch.BatchCommands.Add(new("SELECT EXISTS (SELECT FROM control_node WHERE name <> $1 AND last_seen_at > now() - $2)")
        {
            Parameters = { new() { Value = name }, new() { Value = GoneAfter } },
        });
        await using var reader = await batch.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        var unknown = reader.GetBoolean(0);
        await reader.NextResultAsync(ct);
        await reader.ReadAsync(ct);
        var others = reader.GetBoolean(0);
        if (changedRouters.Count > 0) signal.Set();
        return (others, unknown);
    }

    /// <summary>The BGP sessions of all control nodes that are alive: control node → the JSON that its replica wrote.</summary>
    public async Task<Dictionary<string, string>> SessionsAsync(CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand("SELECT name, sessions FROM control_node WHERE last_seen_at > now() - $1");
        command.Parameters.Add(new() { Value = GoneAfter });
        var sessions = new Dictionary<string, string>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) sessions[reader.GetString(0)] = reader.GetString(1);
        return sessions;
    }

    /// <summary>
    /// Removes the rows of control nodes that have been gone for longer than routers may hold their stale routes (RFC 4724 restart time), so
    /// that they cannot hold up a deletion for ever.
    /// </summary>
    public async Task ForgetGoneAsync(CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand(
            $"""
             WITH gone AS (
                 SELECT name FROM control_node WHERE last_seen_at + greatest(make_interval(secs => restart_time_seconds), $1) < now()
             ), withdrawn AS (
                 DELETE FROM advertisement a USING gone WHERE a.control_node = gone.name RETURNING a.floating_ip_uid AS uid, a.control_node AS name
             ), forgotten AS (
                 DELETE FROM control_node c USING gone WHERE c.name = gone.name
             )
             {ChangeList.InsertFrom(ResourceKind.Announcements, ChangeVerb.Modified, "withdrawn", statusOnly: true)}
             """);
        command.Parameters.Add(new() { Value = GoneAfter });
        if (await command.ExecuteNonQueryAsync(ct) > 0) signal.Set();
    }
}
