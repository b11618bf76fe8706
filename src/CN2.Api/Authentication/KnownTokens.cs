using System.Collections.Frozen;
using CN2.Api.Data;
using Npgsql;

namespace CN2.Api.Authentication;

/// <summary>
/// The API tokens in memory, by the hash of their secret. One that is deleted is worth nothing anywhere within a second (<see cref="VersionWatch"/>). While the
/// database is away, those of before count.
/// </summary>
internal sealed partial class KnownTokens
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly VersionWatch _watch;
    private readonly ILogger<KnownTokens> _logger;
    private volatile FrozenDictionary<TokenDigest, KnownToken>? _tokens;

    public KnownTokens([FromKeyedServices(VersionWatch.Access)] VersionWatch watch, ILogger<KnownTokens> logger)
    {
        (_watch, _logger) = (watch, logger);
        watch.Add(new VersionedTables(ReadAsync, LogAway));
    }

    /// <summary>Null: the database has not been read yet, so nobody knows.</summary>
    public FrozenDictionary<TokenDigest, KnownToken>? Current => _tokens;

    /// <summary>Looks now: what this replica has changed counts here at once.</summary>
    public Task RefreshAsync(CancellationToken cancellationToken) => _watch.RefreshAsync(cancellationToken);

    /// <summary>
    /// Looks for a token that is not known: it may have been made a moment ago, at another replica or at the database. However many ask, there are ten looks
    /// a second at the most.
    /// </summary>
    public Task RefreshForUnknownAsync(CancellationToken cancellationToken) => _watch.RefreshAsync(Pause, cancellationToken);

    private async Task ReadAsync(NpgsqlConnection connection, CancellationToken ct) => Take(await Sql.ReadAllAsync(connection, "SELECT secret_hash, uid, name, expires_at FROM api_token",
        row => (Digest: TokenDigest.Read(row.GetFieldValue<byte[]>(0)), Token: new KnownToken(row.GetGuid(1), row.GetString(2), row.GetTimeOrNull(3), new CancellationTokenSource())), ct));

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
