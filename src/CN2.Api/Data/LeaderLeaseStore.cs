using CN2.Api.Options;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Data;

/// <summary>
/// The row that says which replica leads. Every call is one statement without session state, so it works through any pooler. A call
/// answers the database's time as well, by which the caller notices when that clock was set.
/// </summary>
public sealed class LeaderLeaseStore([FromKeyedServices(DatabasePools.ControlLoop)] NpgsqlDataSource dataSource, ControlNodeOptions self) : ILeaderLeaseStore
{
    /// <summary>How long a lease lasts after it was taken or renewed.</summary>
    public static readonly TimeSpan Duration = TimeSpan.FromSeconds(6);

    /// <summary>
    /// Takes the lease if it is free: it is over, its time lies in the future (the database's clock was set back), or it is still the one that
    /// the caller has watched for long enough (<paramref name="abandoned"/>), or it is the caller's own of whose grant the answer was lost.
    /// Null: another replica holds it.
    /// </summary>
    /// <param name="run">The process that asks.</param>
    /// <param name="abandoned">A lease that was not renewed, by the caller's clock.</param>
    /// <param name="isStart">The process has just started: what an earlier process of this control node held is free.</param>
    /// <param name="ct">Ends the statement.</param>
    public async Task<(LeaderLease Lease, DateTimeOffset Now)?> TakeAsync(Guid run, LeaderLeaseState? abandoned, bool isStart, CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand(
            """
            INSERT INTO leader_lease AS l (control_node, run, fence, renewed_at, expires_at) VALUES ($1, $2, 1, statement_timestamp(), statement_timestamp() + $3)
            ON CONFLICT (singleton) DO UPDATE
                SET control_node = $1, run = $2, fence = l.fence + 1, renewed_at = excluded.renewed_at, expires_at = excluded.expires_at
                WHERE statement_timestamp() NOT BETWEEN l.renewed_at AND l.expires_at
                   OR (l.fence = $4 AND l.renewed_at = $5)
                   OR ($6 AND l.control_node = $1)
                   OR l.run = $2
            RETURNING fence, renewed_at
            """);
        command.Parameters.Add(Sql.Value(self.Name));
        command.Parameters.Add(Sql.Value(run));
        command.Parameters.Add(Sql.Value(Duration));
        command.Parameters.Add(new() { Value = (object?)abandoned?.Fence ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        command.Parameters.Add(new() { Value = (object?)abandoned?.RenewedAt ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(Sql.Value(isStart));
        await using var reader = await command.ExecuteReaderAsync(ct);
        (LeaderLease, DateTimeOffset)? taken = await reader.ReadAsync(ct) ? (new LeaderLease(run, reader.GetInt64(0)), reader.GetFieldValue<DateTimeOffset>(1)) : null;
        await reader.FinishAsync(ct);
        return taken;
    }

    /// <summary>Renews a lease, also one that is over but that nobody took. Null: another replica has taken it.</summary>
    public async Task<DateTimeOffset?> RenewAsync(LeaderLease lease, CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand(
            """
            UPDATE leader_lease SET renewed_at = statement_timestamp(), expires_at = statement_timestamp() + $3
            WHERE run = $1 AND fence = $2 RETURNING renewed_at
            """);
        command.Parameters.Add(Sql.Value(lease.Run));
        command.Parameters.Add(Sql.Value(lease.Fence));
        command.Parameters.Add(Sql.Value(Duration));
        await using var reader = await command.ExecuteReaderAsync(ct);
        DateTimeOffset? renewedAt = await reader.ReadAsync(ct) ? reader.GetFieldValue<DateTimeOffset>(0) : null;
        await reader.FinishAsync(ct);
        return renewedAt;
    }

    /// <summary>The lease as it stands; null: nobody has ever led.</summary>
    public async Task<(LeaderLeaseState? State, DateTimeOffset Now)> ReadAsync(CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand("SELECT fence, renewed_at, statement_timestamp() FROM (SELECT) one LEFT JOIN leader_lease ON true");
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        LeaderLeaseState? state = reader.IsDBNull(0) ? null : new(reader.GetInt64(0), reader.GetFieldValue<DateTimeOffset>(1));
        return (state, reader.GetFieldValue<DateTimeOffset>(2));
    }

    /// <summary>The holder stops: another replica may lead at once.</summary>
    public async Task ReleaseAsync(LeaderLease lease, CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand("UPDATE leader_lease SET expires_at = renewed_at - interval '1 second' WHERE run = $1 AND fence = $2");
        command.Parameters.Add(Sql.Value(lease.Run));
        command.Parameters.Add(Sql.Value(lease.Fence));
        await command.ExecuteNonQueryAsync(ct);
    }
}
