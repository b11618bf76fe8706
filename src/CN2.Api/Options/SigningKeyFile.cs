using Microsoft.IdentityModel.Tokens;

namespace CN2.Api.Options;

/// <summary>What the file of <c>Auth__Oidc__JwksPath</c> holds (RFC 7517), or what is wrong with it as the end of "NAME is 'VALUE': expected …".</summary>
/// <param name="Text">Of the file; null: it cannot be read.</param>
/// <param name="Keys">Public keys that can check signatures of tokens.</param>
internal sealed record SigningKeyFile(string? Text, IReadOnlyList<SecurityKey> Keys, string? Fault)
{
    private const int WeakestRsa = 2048;

    public static SigningKeyFile Read(string path)
    {
        var (text, fault) = ReadableFile.Read(path);
        return text is null ? new SigningKeyFile(null, [], fault) : Parse(text);
    }

    public static SigningKeyFile Parse(string text)
    {
        IReadOnlyList<SecurityKey> keys;
        try
        {
            keys = Usable(new JsonWebKeySet(text).GetSigningKeys());
        }
        catch (Exception e) when (e is ArgumentException or System.Text.Json.JsonException or FormatException or InvalidOperationException)
        {
            keys = [];
        }

        return new SigningKeyFile(text, keys, keys.Count > 0 ? null : "a JSON file with the provider's public keys ({\"keys\": […]}), at least one of them RSA from 2048 bits or elliptic");
    }

    /// <summary>Those of a provider that may check signatures: a secret is no public key, and a short one is none that counts.</summary>
    public static IReadOnlyList<SecurityKey> Usable(IEnumerable<SecurityKey> keys) =>
        [.. keys.Where(k => k is ECDsaSecurityKey or JsonWebKey { Kty: JsonWebAlgorithmsKeyTypes.EllipticCurve } || (k is RsaSecurityKey or X509SecurityKey or JsonWebKey { Kty: JsonWebAlgorithmsKeyTypes.RSA } && k.KeySize >= WeakestRsa))];
}
