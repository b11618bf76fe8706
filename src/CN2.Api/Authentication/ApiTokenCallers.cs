using CN2.Api.Access;
using CN2.Api.Http;

namespace CN2.Api.Authentication;

/// <summary>Programs by their API tokens. A look is one hash and one search in memory, so nothing bounds it.</summary>
internal sealed class ApiTokenCallers(KnownTokens tokens, TokenUses uses, TimeProvider time)
{
    /// <summary>The text claims to be an API token.</summary>
    public static bool IsOne(string text) => text.StartsWith(TokenSecret.Prefix, StringComparison.Ordinal);

    public Identification Find(string secret)
    {
        if (tokens.Current is not { } known) return new Identification.Undecided(ApiProblem.Unavailable());
        if (!known.TryGetValue(TokenDigest.Of(secret), out var token)) return new Identification.Refused("is unknown or was revoked");
        if (token.Identity.Until <= time.GetUtcNow()) return new Identification.Refused("has expired");
        uses.Note(token.Uid);
        return new Identification.Known(token.Identity);
    }
}
