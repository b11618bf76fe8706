using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace CN2.Bench.Lab;

/// <summary>An identity provider as a server knows it that cannot reach one: by a file with its public key (JWKS). Its JWTs are signed by RS256, RSA of 2048 bits.</summary>
internal sealed class TokenIssuer : IDisposable
{
    private const string Issuer = "https://id.example/realms/bench";
    private const string Audience = "cn2";
    private const string KeyId = "bench";

    private readonly RSA _rsa = RSA.Create(2048);
    private readonly string _path;

    /// <param name="directory">Where the file with the key is made.</param>
    public TokenIssuer(string directory)
    {
        _path = Path.Combine(directory, "jwks.json");
        var key = _rsa.ExportParameters(includePrivateParameters: false);
        File.WriteAllText(_path, JsonSerializer.Serialize(new
        {
            keys = new[] { new { kty = "RSA", use = "sig", kid = KeyId, n = Base64UrlEncoder.Encode(key.Modulus), e = Base64UrlEncoder.Encode(key.Exponent) } },
        }));
    }

    /// <summary>By which a server believes its tokens.</summary>
    public (string Name, string Value)[] Settings => [("Auth__Oidc__JwksPath", _path), ("Auth__Oidc__Issuer", Issuer), ("Auth__Oidc__Audience", Audience)];

    /// <summary>A token of this user for an hour. No two are the same.</summary>
    public string TokenOf(string user)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            SigningCredentials = new SigningCredentials(new RsaSecurityKey(_rsa) { KeyId = KeyId }, SecurityAlgorithms.RsaSha256),
            Claims = new Dictionary<string, object>
            {
                ["iss"] = Issuer,
                ["aud"] = Audience,
                ["sub"] = user,
                ["jti"] = Guid.NewGuid().ToString(),
                ["iat"] = now,
                ["nbf"] = now,
                ["exp"] = now + 3600,
            },
        });
    }

    public void Dispose() => _rsa.Dispose();
}
