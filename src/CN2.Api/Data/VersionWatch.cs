using System.Text.Json;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>
/// Watches a row whose version moves with every change of some tables, and has them read anew when it has moved. Each replica asks more than twice a second, so
/// a change counts everywhere within a second. Not by the change feed, which an open transaction elsewhere may hold back. While the database is away, what
/// was read before counts.
/// </summary>
/// <param name="source">The control loop's: no number of requests holds a look back.</param>
/// <param name="table">It has the one row with the column <c>version</c>.</param>
/// <param name="time">Says when to look.</param>
public sealed class VersionWatch(NpgsqlDataSource source, string table, TimeProvider time) : BackgroundService
{
    /// <summary>Of API tokens and role bindings.</summary>
    public const string Access = "access_state";

    /// <summary>Of the certificates of agents.</summary>
    public const string AgentCertificates = "agent_certificate_state";

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(400);

    private readonly SemaphoreSlim _looking = new(1);
    private readonly Lock _adding = new();
    private volatile VersionedTables[] _tables = [];
    private long _lookedAt;

    /// <summary>From the next look on these are read, too.</summary>
    public void Add(VersionedTables tables)
    {
        lock (_adding) _tables = [.. _tables, tables];
    }

    /// <summary>Looks now: what this replica has changed counts here at once. What goes wrong is in <see cref="VersionedTables.Fault"/>.</summary>
    public Task RefreshAsync(CancellationToken cancellationToken) => RefreshAsync(TimeSpan.Zero, cancellationToken);

    /// <summary>Looks, not earlier than <paramref name="pause"/> after the look before. However many ask, one look that begins after they have asked is for all of them.</summary>
    public async Task RefreshAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        var asked = time.GetTimestamp();
        await _looking.WaitAsync(cancellationToken);
        try
        {
            if (_lookedAt > asked) return;
            var early = pause - time.GetElapsedTime(_lookedAt);
            if (early > TimeSpan.Zero) await Task.Delay(early, time, cancellationToken);
            _lookedAt = time.GetTimestamp();
            await LookAsync(_tables, cancellationToken);
        }
        finally
        {
            _looking.Release();
        }
    }

    /// <summary>Before the server takes requests, and after the database is ready.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await RefreshAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    public override void Dispose()
    {
        base.Dispose();
        _looking.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await RefreshAsync(stoppingToken);
                foreach (var tables in _tables) tables.Turned?.Invoke();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The server stops.
        }
    }

    private async Task LookAsync(VersionedTables[] all, CancellationToken ct)
    {
        if (all.Length == 0) return;
        try
        {
            await using var connection = await source.OpenConnectionAsync(ct);
            // The version is read first: what changes in between is found by the next look.
            var version = await Sql.ReadAllAsync(connection, $"SELECT version FROM {table}", row => row.GetInt64(0), ct);
            if (version is not [var now]) return;
            foreach (var tables in all) await TryAsync(tables, connection, now, ct);
        }
        catch (Exception e) when (IsExpected(e))
        {
            foreach (var tables in all) tables.Fail(e);
        }
    }

    /// <summary>What cannot be read keeps nothing else from being read.</summary>
    private static async Task TryAsync(VersionedTables tables, NpgsqlConnection connection, long version, CancellationToken ct)
    {
        try
        {
            await tables.ReadAsync(connection, version, ct);
        }
        catch (Exception e) when (IsExpected(e))
        {
            tables.Fail(e);
        }
    }

    /// <summary>The database is away or refuses, or a stored document cannot be read.</summary>
    private static bool IsExpected(Exception e) => PostgresErrors.IsAway(e) || PostgresErrors.Find(e) is not null || e is JsonException;
}
