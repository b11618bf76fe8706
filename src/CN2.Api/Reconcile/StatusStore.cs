using CN2.Api.Data;
using CN2.Api.Data.Rows;
using Npgsql;

namespace CN2.Api.Reconcile;

/// <summary>Status documents of Services and FloatingIPs, in rows of their own: a write never changes a generation.</summary>
internal sealed class StatusStore([FromKeyedServices(DatabasePools.ControlLoop)] NpgsqlDataSource dataSource, ChangeSignal signal) : IStatusStore
{
    /// <summary>How long a write waits for rows that others hold: the other statuses must not wait for them.</summary>
    private const string LockPatience = "200ms";

    /// <summary>The documents as written; a resource without an entry has the status it was created with.</summary>
    public async Task<Dictionary<Guid, string>> ReadAsync(ResourceKind kind, IReadOnlyCollection<Guid> uids, CancellationToken ct)
    {
        await using var command = dataSource.CreateCommand($"SELECT uid, document FROM {TableOf(kind)}_status WHERE uid = ANY($1)");
        command.Parameters.Add(new() { Value = uids.ToArray() });
        var documents = new Dictionary<Guid, string>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) documents[reader.GetGuid(0)] = reader.GetString(1);
        return documents;
    }

    /// <summary>
    /// Writes documents of resources that still exist, with a change row each for watchers, and events. Nothing is written, and the answer is false,
    /// when the lease is not held: another replica may have written newer ones, or the database's clock was set and the lease is not renewed yet.
    /// </summary>
    /// <exception cref="PostgresException">Others held one of the rows for longer than <see cref="LockPatience"/> (55P03), among others.</exception>
    public async Task<bool> WriteAsync(
        LeaderLease lease, ResourceKind kind, IReadOnlyCollection<KeyValuePair<Guid, string>> documents, IReadOnlyCollection<StatusEvent> events, CancellationToken ct)
    {
        await using var batch = dataSource.CreateBatch();
        batch.Timeout = DatabasePools.SecondsFor(documents.Count);
        batch.BatchCommands.Add(new($"SELECT {LeaderLease.IsHeld("$1", "$2")} FROM set_config('lock_timeout', '{LockPatience}', true)") { Parameters = { new() { Value = lease.Run }, new() { Value = lease.Fence } } });
        batch.BatchCommands.Add(new(
            $"""
            WITH d AS (
                SELECT t.uid, d.document FROM unnest($1::uuid[], $2::text[]) AS d(uid, document) JOIN {TableOf(kind)} t ON t.uid = d.uid
                WHERE {LeaderLease.IsHeld("$3", "$4")} FOR KEY SHARE OF t
            ), saved AS (
                INSERT INTO {TableOf(kind)}_status (uid, document) SELECT uid, document::jsonb FROM d
                ON CONFLICT (uid) DO UPDATE SET document = excluded.document RETURNING uid
            )
            {ChangeList.InsertFrom(kind, ChangeVerb.Modified, $"saved JOIN {TableOf(kind)} t USING (uid)", statusOnly: true)}
            """)
        {
            Parameters =
            {
                new() { Value = documents.Select(d => d.Key).ToArray() },
                new() { Value = documents.Select(d => d.Value).ToArray() },
                new() { Value = lease.Run },
                new() { Value = lease.Fence },
            },
        });
        if (events.Count > 0)
        {
            batch.BatchCommands.Add(new(
                $"""
                INSERT INTO event (kind, namespace, name, at, type, reason, message)
                SELECT $1, t.namespace, t.name, now(), e.type, e.reason, e.message
                FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) AS e(uid, type, reason, message) JOIN {TableOf(kind)} t ON t.uid = e.uid
                WHERE {LeaderLease.IsHeld("$6", "$7")}
                """)
            {
                Parameters =
                {
                    new() { Value = (short)kind },
                    new() { Value = events.Select(e => e.Uid).ToArray() },
                    new() { Value = events.Select(e => e.Type).ToArray() },
                    new() { Value = events.Select(e => e.Reason).ToArray() },
                    new() { Value = events.Select(e => e.Message).ToArray() },
                    new() { Value = lease.Run },
                    new() { Value = lease.Fence },
                },
            });
        }

        if (await batch.ScalarAsync(ct) is not true) return false;
        signal.SetOfStatuses();
        return true;
    }

    private static string TableOf(ResourceKind kind) => kind switch
    {
        ResourceKind.Service => "service",
        ResourceKind.FloatingIP => "floating_ip",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "has no status of its own"),
    };
}
