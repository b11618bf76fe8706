using System.Text.Json;
using CN2.Api.Access;
using CN2.Api.Http;
using CN2.Api.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace CN2.Api.Authentication;

/// <summary>JWTs of the OpenID Connect provider (RFC 7519, RFC 9068). Microsoft.IdentityModel checks them; here is what it is told, and what is said of a refusal.</summary>
internal sealed class UserTokens(AuthOptions options, ISigningKeys keys, TimeProvider time)
{
    /// <summary>How far the clocks of the provider and of this server may be apart.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(60);

    /// <summary>Asymmetric ones only: with a shared secret, whoever can check a token could make one (RFC 8725, 3.1).</summary>
    private static readonly string[] Algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    private static readonly string[] TimesOf = ["exp", "nbf", "iat"];

    /// <summary>The end of the year 9998: a clock that is ahead must not lead out of the calendar.</summary>
    private const double LastSecond = 253_370_764_799;

    private const int Kept = 10_000;
    private const int LongestName = 256;
    private const int MostGroups = 1000;

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false, MaximumTokenSizeInBytes = CN2.Network.Resources.Limits.Authorization };
    private readonly ValidatedTokens _validated = new(Kept);

    /// <summary>Who has a token that was found right before; null: it must be checked.</summary>
    public Identity? Find(string token) => _validated.Find(TokenDigest.Of(token), keys.Current, time.GetUtcNow());

    public async Task<Identification> CheckAsync(string text, CancellationToken cancellationToken)
    {
        if (options.Authority is null && options.JwksPath is null) return Refused("is no API token of this server, and it has no identity provider");
        if (Read(text) is not { } token) return Refused("is neither an API token of this server nor a JWT that can be read");
        if (!Algorithms.Contains(token.Alg, StringComparer.Ordinal)) return Refused($"is not signed by an algorithm that counts here ({string.Join(", ", Algorithms)})");
        if (token.TryGetHeaderValue<object>("crit", out _)) return Refused("has a header crit, which this server does not know");
        var known = keys.Current;
        if (known.For(token.Kid).Count == 0) known = await keys.LookAgainAsync(cancellationToken);
        if (known.Issuer is null) return new Identification.Undecided(ProviderAway());
        var candidates = known.For(token.Kid);
        if (candidates.Count == 0) return Refused("is signed by a key that the identity provider does not have");

        var result = await _handler.ValidateTokenAsync(token, Parameters(known.Issuer, candidates));
        if (!result.IsValid) return Refused(ReasonOf(result.Exception));
        using var payload = JsonDocument.Parse(Base64UrlEncoder.Decode(token.EncodedPayload));
        if (!TimesOf.All(name => CanBeTime(payload.RootElement, name))) return Refused("has times that cannot be");
        if (CallerOf(payload.RootElement) is not { } caller) return Refused($"has no claim {options.UserClaim} that can be a user's name");
        var expires = new DateTimeOffset(token.ValidTo, TimeSpan.Zero);
        var identity = new Identity(caller, expires + ClockSkew) { ExpiresAt = expires, Revoked = known.EndOf(token.SigningKey) };
        _validated.Keep(TokenDigest.Of(text), known, identity);
        return new Identification.Known(identity);
    }

    private static Identification.Refused Refused(string reason) => new(reason);

    private static ApiProblem ProviderAway() => ApiProblem.Unavailable() with
    {
        Title = "The identity provider is away",
        Detail = "The server has not reached its identity provider yet, so it cannot check the token; nothing was changed, try again.",
        DetailOfRead = null,
    };

    /// <summary>The order of the checks is the library's: the signature comes first, so nobody learns anything of a token that is not genuine.</summary>
    private TokenValidationParameters Parameters(string issuer, IReadOnlyList<SecurityKey> candidates) => new()
    {
        ValidAlgorithms = Algorithms,
        IssuerSigningKeys = candidates,
        RequireSignedTokens = true,
        ValidateIssuerSigningKey = true,
        ValidateIssuer = true,
        ValidIssuer = issuer,
        ValidateAudience = true,
        RequireAudience = true,
        ValidAudience = options.Audience,
        ValidateLifetime = true,
        RequireExpirationTime = true,
        ClockSkew = ClockSkew,
    };

    private JsonWebToken? Read(string text)
    {
        try
        {
            return _handler.CanReadToken(text) && text.Count(c => c == '.') == 2 ? _handler.ReadJsonWebToken(text) : null;
        }
        catch (Exception e) when (e is ArgumentException or JsonException or FormatException or SecurityTokenException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string ReasonOf(Exception? refusal) => refusal switch
    {
        SecurityTokenExpiredException => "has expired",
        SecurityTokenNotYetValidException => "is not valid yet",
        SecurityTokenInvalidAudienceException => "is made for another audience",
        SecurityTokenInvalidIssuerException => "is of another issuer",
        SecurityTokenNoExpirationException => "never expires, and has to",
        SecurityTokenInvalidAlgorithmException => "is not signed by an algorithm that counts here",
        SecurityTokenSignatureKeyNotFoundException => "is signed by a key that the identity provider does not have",
        SecurityTokenInvalidSignatureException => "has a signature that is not right",
        SecurityTokenInvalidLifetimeException => "has times that cannot be",
        _ => "is not valid",
    };

    /// <summary>Seconds since 1970 that a calendar has (RFC 7519, 2: they may have a fraction); the claim need not be there.</summary>
    private static bool CanBeTime(JsonElement payload, string claim) =>
        !payload.TryGetProperty(claim, out var value) || (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var seconds) && seconds is >= 0 and <= LastSecond);

    private Caller? CallerOf(JsonElement payload)
    {
        if (TextsOf(payload, options.UserClaim) is not [{ Length: > 0 and <= LongestName } name] || name.Any(char.IsControl)) return null;
        return new Caller(CallerKind.User, name, [.. TextsOf(payload, options.GroupsClaim).Where(g => g.Length is > 0 and <= LongestName).Take(MostGroups)]);
    }

    /// <summary>A claim that is one text, or an array of texts.</summary>
    private static List<string> TextsOf(JsonElement payload, string claim)
    {
        if (!payload.TryGetProperty(claim, out var value)) return [];
        return value.ValueKind switch
        {
            JsonValueKind.String => [value.GetString()!],
            JsonValueKind.Array => [.. value.EnumerateArray().Where(v => v.ValueKind == JsonValueKind.String).Select(v => v.GetString()!)],
            _ => [],
        };
    }
}
