using System.Collections.Concurrent;
using CN2.Api.Data;
using Npgsql;

namespace CN2.Api.Authentication;

/// <summary>
/// <c>lastUsedAt</c> of API tokens: noted in memory, at most once a minute for each token, and written for all of them in one statement, so that no request
/// waits for it. It is lost when the server ends before.
/// </summary>
internal sealed partial class TokenUses(NpgsqlDataSource source, TimeProvider time, ILogger<TokenUses> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Precision = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<Guid, DateTimeOffset> _noted = new();
    private readonly ConcurrentDictionary<Guid, DateTimeOffset> _unwritten = new();

    public void Note(Guid token)
    {
        var now = time.GetUtcNow();
        if (_noted.TryGetValue(token, out var last) && now - last < Precision) return;
        _noted[token] = now;
        _unwritten[token] = now;
    }

    /// <summary>Writes what was noted. Rows that another replica, or a deletion, has locked are left out: there will be a next use.</summary>
    internal async Task WriteAsync(CancellationToken cancellationToken)
    {
        var uses = _unwritten.ToList();
        if (uses.Count == 0) return;
        await using var command = source.CreateCommand(
            """
            WITH used AS (
                SELECT t.uid, u.at FROM unnest($1, $2) AS u(uid, at) JOIN api_token t ON t.uid = u.uid AND (t.last_used_at IS NULL OR t.last_used_at < u.at - interval '1 minute')
                FOR NO KEY UPDATE OF t SKIP LOCKED)
            UPDATE api_token SET last_used_at = used.at FROM used WHERE api_token.uid = used.uid
            """);
        command.Parameters.Add(Sql.Array(uses, u => u.Key));
        command.Parameters.Add(Sql.Array(uses, u => u.Value.UtcDateTime));
        await command.ExecuteNonQueryAsync(cancellationToken);
        foreach (var use in uses) _unwritten.TryRemove(use);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    await WriteAsync(stoppingToken);
                }
                catch (Exception e) when (PostgresErrors.IsAway(e) || PostgresErrors.Find(e) is not null)
                {
                    var reason = e.GetBaseException().Message;
                    LogLater(reason);
                }

                // Of tokens that are gone, or not used: what is noted of them is of no use any more.
                var old = time.GetUtcNow() - Precision;
                foreach (var note in _noted.Where(n => n.Value < old)) _noted.TryRemove(note);
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    [LoggerMessage(EventId = 134, Level = LogLevel.Debug, Message = "When API tokens were used is written later: {Reason}")]
    private partial void LogLater(string reason);
}
