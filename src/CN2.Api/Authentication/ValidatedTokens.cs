using System.Collections.Concurrent;

namespace CN2.Api.Authentication;

/// <summary>
/// Tokens of users that were found right, so that each is checked once and not with every request. Only good ones are here, at most
/// <paramref name="most"/>; a token counts as long as the keys are those that it was checked by.
/// </summary>
internal sealed class ValidatedTokens(int most)
{
    private readonly Lock _lock = new();
    private volatile ConcurrentDictionary<TokenDigest, (SigningKeys By, Identity Identity)> _recent = new();
    private volatile ConcurrentDictionary<TokenDigest, (SigningKeys By, Identity Identity)> _earlier = new();
    private int _count;

    public Identity? Find(TokenDigest token, SigningKeys keys, DateTimeOffset now)
    {
        if (!_recent.TryGetValue(token, out var found) && !_earlier.TryGetValue(token, out found)) return null;
        return ReferenceEquals(found.By, keys) && found.Identity.Until > now ? found.Identity : null;
    }

    public void Keep(TokenDigest token, SigningKeys keys, Identity identity)
    {
        lock (_lock)
        {
            // The half that has not come again for the longest time goes.
            if (++_count > most / 2) (_earlier, _recent, _count) = (_recent, new(), 1);
            _recent[token] = (keys, identity);
        }
    }
}
