using System.Collections.Frozen;
using CN2.Api.Data;
using Npgsql;

namespace CN2.Api.Authentication;

/// <summary>
/// The API tokens in memory, by the hash of their secret. Each replica asks twice a second whether they have changed (<c>access_state.version</c>), so one
/// that is deleted is worth nothing anywhere within a second. While the database is away, those of before count.
/// </summary>
internal sealed partial class KnownTokens(
    [FromKeyedServices(DatabasePools.ControlLoop)] NpgsqlDataSource source, TimeProvider time, ILogger<KnownTokens> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly SemaphoreSlim _looking = new(1);
    private volatile FrozenDictionary<TokenDigest, KnownToken>? _tokens;
    private long _version = -1;
    private long _lookedAt;
    private bool _isAway;

    /// <summary>Null: the database has not been read yet, so nobody knows.</summary>
    public FrozenDictionary<TokenDigest, KnownToken>? Current => _tokens;

    /// <summary>Looks now: what this replica has changed counts here at once.</summary>
    public Task RefreshAsync(CancellationToken cancellationToken) => RefreshAsync(TimeSpan.Zero, cancellationToken);

    /// <summary>
    /// Looks for a token that is not known: it may have been made a moment ago, at another replica or at the database. However many ask, one look is for all
    /// of them, and there are ten a second at the most.
    /// </summary>
    public Task RefreshForUnknownAsync(CancellationToken cancellationToken) => RefreshAsync(Pause, cancellationToken);

    private async Task RefreshAsync(TimeSpan pause, CancellationToken cancellationToken)
    {
        var asked = time.GetTimestamp();
        await _looking.WaitAsync(cancellationToken);
        try
        {
            if (_lookedAt > asked) return;
            var early = pause - time.GetElapsedTime(_lookedAt);
            if (early > TimeSpan.Zero) await Task.Delay(early, time, cancellationToken);
            _lookedAt = time.GetTimestamp();
            await LookAsync(cancellationToken);
            _isAway = false;
        }
        catch (Exception e) when (PostgresErrors.IsAway(e) || PostgresErrors.Find(e) is not null)
        {
            if (!_isAway) LogAway(e.GetBaseException().Message);
            _isAway = true;
            _version = -1; // it may be another database, or an older state of this one, when it is back
        }
        finally
        {
            _looking.Release();
        }
    }

    /// <summary>The first requests find the tokens.</summary>
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
            while (await timer.WaitForNextTickAsync(stoppingToken)) await RefreshAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The server stops.
        }
    }

    private async Task LookAsync(CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        // The version is read first: what changes in between is found by the next look.
        long version;
        await using (var command = new NpgsqlCommand("SELECT version FROM access_state", connection)) version = (long)(await command.ScalarAsync(ct) ?? 0L);
        if (version == _version) return;
        var rows = await Sql.ReadAllAsync(connection, "SELECT secret_hash, uid, name, expires_at FROM api_token",
            row => (Digest: TokenDigest.Read(row.GetFieldValue<byte[]>(0)), Token: new KnownToken(row.GetGuid(1), row.GetString(2), row.GetTimeOrNull(3), new CancellationTokenSource())), ct);
        Take(rows);
        _version = version;
    }

    private void Take(List<(TokenDigest Digest, KnownToken Token)> rows)
    {
        var before = _tokens ?? FrozenDictionary<TokenDigest, KnownToken>.Empty;
        var now = rows.ToFrozenDictionary(r => r.Digest, r => before.TryGetValue(r.Digest, out var known) && known.IsSame(r.Token) ? known : r.Token);
        _tokens = now;
        foreach (var (digest, token) in before)
        {
            if (!now.TryGetValue(digest, out var kept) || !ReferenceEquals(kept, token)) token.Revoke();
        }
    }

    [LoggerMessage(EventId = 135, Level = LogLevel.Warning, Message = "API tokens cannot be read, and those of before count: {Reason}")]
    private partial void LogAway(string reason);
}
