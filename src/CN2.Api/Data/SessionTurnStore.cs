using CN2.Api.Options;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>
/// A turn is one row for each router, which runs out: a control node that dies with it holds up the others for so long. Every call is one
/// statement without session state, so it works through any pooler.
/// </summary>
public sealed class SessionTurnStore([FromKeyedServices(DatabasePools.ControlLoop)] NpgsqlDataSource dataSource, ControlNodeOptions self) : ISessionTurnStore
{
    /// <summary>How long a turn lasts that nobody gives back.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(30);

    /// <inheritdoc/>
    /// <remarks>A turn that was taken in the future is free too: the database's clock was set back.</remarks>
    public async Task<bool> TakeAsync(string routerAddress, CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand(
            $"""
             INSERT INTO session_turn AS t (router_address, control_node, taken_at, expires_at)
             SELECT $1, $2, statement_timestamp(), statement_timestamp() + $3 WHERE NOT EXISTS (
                 SELECT FROM bgp_router r JOIN control_node c ON c.name <> $2 AND {ControlNodeLiveness.IsAlive("c", "$4")}
                 WHERE r.address = $1::inet AND c.sessions -> r.name ->> 'state' <> 'Established')
             ON CONFLICT (router_address) DO UPDATE SET control_node = $2, taken_at = excluded.taken_at, expires_at = excluded.expires_at
                 WHERE t.control_node = $2 OR statement_timestamp() NOT BETWEEN t.taken_at AND t.expires_at
             RETURNING true
             """);
        command.Parameters.Add(Sql.Value(routerAddress));
        command.Parameters.Add(Sql.Value(self.Name));
        command.Parameters.Add(Sql.Value(Duration));
        command.Parameters.Add(Sql.Value(ControlNodeLiveness.GoneAfter));
        return await command.ScalarAsync(ct) is true;
    }

    /// <inheritdoc/>
    public async Task GiveBackAsync(string routerAddress, CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand("DELETE FROM session_turn WHERE router_address = $1 AND control_node = $2");
        command.Parameters.Add(Sql.Value(routerAddress));
        command.Parameters.Add(Sql.Value(self.Name));
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <inheritdoc/>
    public async Task<OwedSessions> OwedAsync(CancellationToken ct)
    {
        // The fail-over may not have been noticed yet: nobody reads the change feed before this process does.
        await using var command = dataSource.CreateCommand(
            $"""
             SELECT ARRAY(SELECT router_address FROM owed_session WHERE control_node = $1),
                 EXISTS (SELECT FROM control_node WHERE name = $1 AND (rows_lost OR NOT {FeedEpochs.IsProven}))
             """);
        command.Parameters.Add(Sql.Value(self.Name));
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return new OwedSessions(reader.GetFieldValue<string[]>(0), reader.GetBoolean(1));
    }

    /// <inheritdoc/>
    public async Task OweAsync(IReadOnlyCollection<string> routerAddresses, bool coversLostRows, CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand(
            """
            WITH paid AS (DELETE FROM owed_session WHERE control_node = $1 AND router_address <> ALL ($2)),
                known AS (UPDATE control_node SET rows_lost = false WHERE name = $1 AND rows_lost AND $3)
            INSERT INTO owed_session (control_node, router_address) SELECT $1, unnest($2) ON CONFLICT DO NOTHING
            """);
        command.Parameters.Add(Sql.Value(self.Name));
        command.Parameters.Add(Sql.Value(routerAddresses.ToArray()));
        command.Parameters.Add(Sql.Value(coversLostRows));
        await command.ExecuteNonQueryAsync(ct);
    }
}
