using CN2.Api.Access;
using CN2.Api.Http;

namespace CN2.Api.Authentication;

/// <summary>Programs by their API tokens. One that is known costs one hash and one search in memory.</summary>
internal sealed class ApiTokenCallers(KnownTokens tokens, TokenUses uses, TimeProvider time)
{
    /// <summary>The text claims to be an API token.</summary>
    public static bool IsOne(string text) => text.StartsWith(TokenSecret.Prefix, StringComparison.Ordinal);

    /// <summary>Null: no such token is known here; <see cref="CheckAsync"/> looks again.</summary>
    public Identification? Find(string secret)
    {
        if (tokens.Current is not { } known) return new Identification.Undecided(ApiProblem.Unavailable());
        if (!known.TryGetValue(TokenDigest.Of(secret), out var token)) return null;
        if (token.Identity.Until <= time.GetUtcNow()) return new Identification.Refused("has expired");
        uses.Note(token.Uid);
        return new Identification.Known(token.Identity);
    }

    public async Task<Identification> CheckAsync(string secret, CancellationToken cancellationToken)
    {
        await tokens.RefreshForUnknownAsync(cancellationToken);
        return Find(secret) ?? new Identification.Refused("is unknown or was revoked");
    }
}
