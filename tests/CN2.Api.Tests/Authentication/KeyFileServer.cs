using System.Security.Cryptography;
using CN2.Api.Tests.Fixtures;
using Microsoft.IdentityModel.Tokens;

namespace CN2.Api.Tests.Authentication;

/// <summary>A server that has the provider's keys from a file: one RSA key and one of each curve.</summary>
public sealed class KeyFileServer(PrivatePostgres postgres) : AskingServer(postgres)
{
    public const string Issuer = "https://id.example/realms/lab";
    public const string Audience = "cn2";

    private readonly TemporaryDirectory _directory = new("cn2-keys-");

    public RSA Rsa { get; } = RSA.Create(2048);

    public Dictionary<string, ECDsa> Curves { get; } = new()
    {
        ["ES256"] = ECDsa.Create(ECCurve.NamedCurves.nistP256),
        ["ES384"] = ECDsa.Create(ECCurve.NamedCurves.nistP384),
        ["ES512"] = ECDsa.Create(ECCurve.NamedCurves.nistP521),
    };

    public string KeysPath => Path.Combine(_directory.Path, "keys.json");

    protected override string[] Settings =>
        [.. base.Settings, "--Auth:Oidc:JwksPath", KeysPath, "--Auth:Oidc:Issuer", Issuer, "--Auth:Oidc:Audience", Audience];

    /// <summary>What the provider says of alice, for five minutes.</summary>
    public static Dictionary<string, object> Claims() => new()
    {
        ["iss"] = Issuer,
        ["aud"] = Audience,
        ["sub"] = "alice",
        ["groups"] = new[] { "ops", "web" },
        ["iat"] = Now(0),
        ["nbf"] = Now(0),
        ["exp"] = Now(300),
    };

    /// <summary>As tokens write it.</summary>
    public static long Now(int secondsLater) => DateTimeOffset.UtcNow.ToUnixTimeSeconds() + secondsLater;

    /// <summary>One of the keys in the file, by algorithm.</summary>
    public SigningCredentials By(string algorithm) =>
        new(Curves.TryGetValue(algorithm, out var curve) ? TestKeys.Of(curve, algorithm) : TestKeys.Of(Rsa, "rsa"), algorithm);

    /// <summary>A good token, but for the claims that <paramref name="change"/> changes.</summary>
    public string Token(Action<Dictionary<string, object>>? change = null, string algorithm = "RS256")
    {
        var claims = Claims();
        change?.Invoke(claims);
        return TestKeys.Token(By(algorithm), claims);
    }

    public string KeySet() => TestKeys.Set([TestKeys.Of(Rsa, "rsa"), .. Curves.Select(c => TestKeys.Of(c.Value, c.Key))]);

    protected override async Task<string> DatabaseAsync()
    {
        await File.WriteAllTextAsync(KeysPath, KeySet());
        var database = await base.DatabaseAsync();
        await AllowAsync(database, "User", "alice");
        return database;
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Rsa.Dispose();
        foreach (var curve in Curves.Values) curve.Dispose();
        _directory.Dispose();
    }
}
