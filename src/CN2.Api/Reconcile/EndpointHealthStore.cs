using System.Globalization;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Network.Resources;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Reconcile;

/// <summary>
/// What probes found, as rows. Endpoints that go up and down are held back here (<see cref="FlapDamping"/>) and not by the agents: no agent can
/// get around it, it outlasts the restart of an agent and the move to another node, and all replicas see the same. Its times are the
/// database's, because the clocks of the replicas may differ.
/// </summary>
internal sealed class EndpointHealthStore([FromKeyedServices(DatabasePools.ControlLoop)] NpgsqlDataSource dataSource, ChangeSignal signal) : IEndpointHealthStore
{
    private const short Kind = (short)ResourceKind.VirtualMachineInterface;

    /// <summary>How many are released in one statement; the others follow a second later.</summary>
    private const int ReleasedAtOnce = 5000;

    /// <summary>Saves results of probes that are new, if the endpoint is still on that vRouter.</summary>
    public async Task SaveAsync(IReadOnlyCollection<EndpointHealthReport> reports, DateTimeOffset now, CancellationToken ct)
    {
        await using var connection = await dataSource.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var found = await JudgeAsync(connection, reports, ct);
        if (found.Count == 0) return;
        await using var command = new NpgsqlCommand(
            $"""
            WITH saved AS (
                UPDATE virtual_machine_interface v SET health = f.health, health_message = f.message, health_changed_at = $9,
                    health_downs = f.downs, health_down_at = f.down_at, health_held_until = f.held_until
                FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS f(uid, health, message, downs, down_at, held_until, reason, event) WHERE v.uid = f.uid
                RETURNING v.uid, v.namespace, v.name, f.reason, f.event
            ), happened AS (
                INSERT INTO event (kind, namespace, name, at, type, reason, message)
                SELECT {Kind}, namespace, name, $9, CASE reason WHEN 'Healthy' THEN 'Normal' ELSE 'Warning' END, reason, event FROM saved
            )
            {ChangeList.InsertFrom(ResourceKind.VirtualMachineInterface, ChangeVerb.Modified, "saved", statusOnly: false)}
            """, connection, transaction)
        {
            CommandTimeout = DatabasePools.SecondsFor(found.Count),
            Parameters =
            {
                Sql.Array(found, f => f.Report.Uid), Sql.Array(found, f => f.Report.Health), Sql.Texts(found, f => f.Report.Message),
                Sql.Array(found, f => f.Damping.Downs), Sql.Array(found, f => f.Damping.LastDownAt?.UtcDateTime, NpgsqlDbType.TimestampTz),
                Sql.Array(found, f => f.Damping.HeldUntil?.UtcDateTime, NpgsqlDbType.TimestampTz), Sql.Array(found, f => f.Reason), Sql.Array(found, f => f.Event),
                Sql.Time(now),
            },
        };
        await command.ExecuteNonQueryAsync(ct);
        await transaction.CommitAsync(ct);
        signal.Set();
    }

    /// <summary>
    /// For the leader: endpoints that have stayed up for long enough take new flows. A time further in the future than the longest hold is none:
    /// the database's clock was set back since. Nothing happens when the lease is no longer held.
    /// </summary>
    /// <returns>How many are still held back.</returns>
    public async Task<int> ReleaseAsync(LeaderLease lease, CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand(
            $"""
            WITH due AS (
                SELECT uid FROM virtual_machine_interface
                WHERE health_held_until IS NOT NULL AND health_held_until NOT BETWEEN now() AND now() + $1 AND {LeaderLease.IsHeld("$2", "$3")}
                ORDER BY namespace, name LIMIT {ReleasedAtOnce} FOR UPDATE
            ), released AS (
                UPDATE virtual_machine_interface v SET health_held_until = NULL FROM due WHERE v.uid = due.uid RETURNING v.uid, v.namespace, v.name
            ), happened AS (
                INSERT INTO event (kind, namespace, name, at, type, reason, message)
                SELECT {Kind}, namespace, name, now(), 'Normal', 'Healthy', 'It has stayed up long enough: it takes new flows.' FROM released
            ), changed AS (
                {ChangeList.InsertFrom(ResourceKind.VirtualMachineInterface, ChangeVerb.Modified, "released", statusOnly: false)}
                RETURNING 1
            )
            SELECT (SELECT count(*) FROM changed), (SELECT count(*) FROM virtual_machine_interface WHERE health_held_until IS NOT NULL)
            """);
        NpgsqlParameter[] parameters = [new() { Value = FlapDamping.LongestHold }, new() { Value = lease.Run }, new() { Value = lease.Fence }];
        command.Parameters.AddRange(parameters);
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        var (released, held) = (reader.GetInt64(0), reader.GetInt64(1));
        await reader.FinishAsync(ct);
        if (released > 0) signal.Set();
        return (int)(held - released);
    }

    /// <summary>The reports that change something, with what they mean. The rows stay locked, in the order in which requests lock them.</summary>
    private static async Task<List<Found>> JudgeAsync(NpgsqlConnection connection, IReadOnlyCollection<EndpointHealthReport> reports, CancellationToken ct)
    {
        var byUid = reports.ToLookup(r => r.Uid);
        await using var command = new NpgsqlCommand(
            """
            SELECT v.uid, v.virtual_router, v.health, v.health_downs, v.health_down_at, v.health_held_until, now()
            FROM virtual_machine_interface v JOIN unnest($1, $2, $3) AS r(uid, virtual_router, health) ON v.uid = r.uid AND v.virtual_router = r.virtual_router
            WHERE v.health <> r.health ORDER BY v.namespace, v.name FOR UPDATE OF v
            """, connection)
        {
            CommandTimeout = DatabasePools.SecondsFor(reports.Count),
            Parameters =
            {
                new() { Value = reports.Select(r => r.Uid).ToArray() }, new() { Value = reports.Select(r => r.VirtualRouter).ToArray() },
                new() { Value = reports.Select(r => r.Health).ToArray() },
            },
        };
        var found = new List<Found>();
        await using var row = await command.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            var report = byUid[row.GetGuid(0)].First(r => r.VirtualRouter == row.GetString(1));
            var damping = new FlapDamping(row.GetInt32(3), row.GetTimeOrNull(4), row.GetTimeOrNull(5)).After(
                Enum.TryParse<EndpointHealth>(row.GetString(2), out var before) ? before : EndpointHealth.Unknown, Enum.Parse<EndpointHealth>(report.Health),
                row.GetFieldValue<DateTimeOffset>(6));
            found.Add(new Found(report, damping));
        }

        return found;
    }

    private sealed record Found(EndpointHealthReport Report, FlapDamping Damping)
    {
        public string Reason => Damping.HeldUntil is null ? Report.Health : ConditionReason.Flapping;

        public string Event => Damping.HeldUntil is { } until
            ? string.Create(CultureInfo.InvariantCulture, $"Its health check says Healthy, but it has gone down {Damping.Downs} times: it takes new flows when it stays up until {until.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}.")
            : $"Its health check says {Report.Health}{(Report.Message is null ? "." : $": {Report.Message}")}";
    }
}
