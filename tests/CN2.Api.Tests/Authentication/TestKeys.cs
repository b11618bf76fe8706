using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace CN2.Api.Tests.Authentication;

/// <summary>Keys and tokens as an identity provider makes them.</summary>
internal static class TestKeys
{
    public static RsaSecurityKey Of(RSA rsa, string id) => new(rsa) { KeyId = id };

    public static ECDsaSecurityKey Of(ECDsa elliptic, string id) => new(elliptic) { KeyId = id };

    /// <summary>The public halves as a JSON Web Key Set (RFC 7517).</summary>
    public static string Set(params AsymmetricSecurityKey[] keys) => JsonSerializer.Serialize(new { keys = keys.Select(Public) });

    /// <param name="by">The key and the algorithm, such as RS256; null: it is not signed.</param>
    public static string Token(SigningCredentials? by, Dictionary<string, object> claims, Dictionary<string, object>? header = null) =>
        new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor { SigningCredentials = by, Claims = claims, AdditionalHeaderClaims = header });

    private static Dictionary<string, string> Public(AsymmetricSecurityKey key) => key switch
    {
        RsaSecurityKey rsa => Rsa(rsa.Rsa.ExportParameters(false), key.KeyId),
        ECDsaSecurityKey elliptic => Elliptic(elliptic.ECDsa.ExportParameters(false), key.KeyId, elliptic.KeySize),
        _ => throw new ArgumentException("is no such key", nameof(key)),
    };

    private static Dictionary<string, string> Rsa(RSAParameters of, string id) =>
        new() { ["kty"] = "RSA", ["use"] = "sig", ["kid"] = id, ["n"] = Base64UrlEncoder.Encode(of.Modulus), ["e"] = Base64UrlEncoder.Encode(of.Exponent) };

    private static Dictionary<string, string> Elliptic(ECParameters of, string id, int size) => new()
    {
        ["kty"] = "EC",
        ["use"] = "sig",
        ["kid"] = id,
        ["crv"] = $"P-{size}",
        ["x"] = Base64UrlEncoder.Encode(of.Q.X),
        ["y"] = Base64UrlEncoder.Encode(of.Q.Y),
    };
}
