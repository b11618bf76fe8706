using System.Security.Cryptography;
using CN2.Api.Options;
using CN2.Api.Tests.Authentication;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Options;

/// <summary>What is said at the start about section Auth, all at once.</summary>
public sealed class AuthSettingsTests : IDisposable
{
    private const string Rsa = "RSA from 2048 bits or elliptic.";
    private readonly TemporaryDirectory _directory = new("cn2-auth-");
    private readonly TestAuthority _authority = new();

    public void Dispose()
    {
        _authority.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void Callers_are_asked_by_default_and_it_needs_no_setting()
    {
        Assert.Empty(FaultsOf([]));
        Assert.Equal(("required", "sub", "groups"), (new AuthOptions().Mode, new AuthOptions().UserClaim, new AuthOptions().GroupsClaim));
    }

    [Fact]
    public void Every_setting_is_bound_from_its_name()
    {
        var keys = Keys();
        using var services = Bind(new()
        {
            ["Auth:Oidc:JwksPath"] = keys,
            ["Auth:Oidc:Audience"] = "cn2",
            ["Auth:Oidc:Issuer"] = "https://id.example",
            ["Auth:Oidc:UserClaim"] = "email",
            ["Auth:Oidc:GroupsClaim"] = "roles",
        });
        services.CheckSettings();
        Assert.Equal(new AuthOptions { JwksPath = keys, Audience = "cn2", Issuer = "https://id.example", UserClaim = "email", GroupsClaim = "roles" }, services.GetRequiredService<AuthOptions>());
        using var other = Bind(new() { ["Auth:Mode"] = "required", ["Auth:Oidc:Authority"] = "https://id.example/realms/lab", ["Auth:Oidc:Audience"] = "cn2" });
        other.CheckSettings();
        Assert.Equal("https://id.example/realms/lab", other.GetRequiredService<AuthOptions>().Authority!.ToString());
    }

    [Theory]
    [InlineData("Http:Url", "https://*:8443", "Http__Url (https://0.0.0.0:8443)")]
    [InlineData("Http:Url", "http://192.0.2.1:8080", "Http__Url (http://192.0.2.1:8080)")]
    [InlineData("Kubernetes:Url", "http://[::]:8082", "Kubernetes__Url (http://[::]:8082)")]
    public void Mode_none_is_refused_where_others_than_this_machine_reach_a_port(string setting, string url, string named)
    {
        var values = new Dictionary<string, string?> { ["Auth:Mode"] = "none", [setting] = url, ["Http:AllowPlain"] = "true" };
        if (url.StartsWith("https", StringComparison.Ordinal))
        {
            var (certificate, key) = _authority.Issue();
            (values["Http:Certificate:Path"], values["Http:Certificate:KeyPath"]) = (Put("server.pem", certificate), Put("server.key", key));
        }

        Assert.Equal([$"Auth__Mode is 'none': expected required, because {named} is no loopback address and whoever reaches it could do everything."], FaultsOf(values));
    }

    [Theory]
    [InlineData("http://127.0.0.1:8080", "http://localhost:8082")]
    [InlineData("http://[::1]:8080", "http://127.0.0.9:8082")]
    public void Mode_none_is_taken_on_loopback(string http, string kubernetes) =>
        Assert.Empty(FaultsOf(new() { ["Auth:Mode"] = "none", ["Http:Url"] = http, ["Kubernetes:Url"] = kubernetes }));

    [Theory]
    [InlineData("Auth:Mode", "off", "Auth__Mode is 'off': expected required or none.")]
    [InlineData("Auth:Oidc:Audience", "cn2", "Auth__Oidc__Audience is 'cn2': expected Auth__Oidc__Authority or Auth__Oidc__JwksPath beside it, which say where the keys of tokens are.")]
    [InlineData("Auth:Oidc:Issuer", "x", "Auth__Oidc__Issuer is 'x': expected Auth__Oidc__Authority or Auth__Oidc__JwksPath beside it, which say where the keys of tokens are.")]
    [InlineData("Auth:Oidc:Authority", "http://id.example", "Auth__Oidc__Authority is 'http://id.example': expected https://HOST or https://HOST/PATH (http:// on loopback only), as the provider's issuer is written.")]
    [InlineData("Auth:Oidc:UserClaim", "a\u0001b", "Auth__Oidc__UserClaim is 'a\u0001b': expected at most 512 printable characters.")]
    public void A_wrong_setting_is_named(string setting, string value, string sentence) => Assert.Equal([sentence], FaultsOf(new() { [setting] = value }));

    [Fact]
    public void A_provider_needs_the_audience() => Assert.Equal(
        ["Auth__Oidc__Audience is not set: expected the audience (aud) that tokens for this server have, because Auth__Oidc__Authority is set."],
        FaultsOf(new() { ["Auth:Oidc:Authority"] = "https://id.example" }));

    [Fact]
    public void A_file_of_keys_needs_audience_and_issuer() => Assert.Equal(
        [
            "Auth__Oidc__Audience is not set: expected the audience (aud) that tokens for this server have, because Auth__Oidc__JwksPath is set.",
            "Auth__Oidc__Issuer is not set: expected the issuer (iss) that tokens have, because a file of keys (Auth__Oidc__JwksPath) does not say it.",
        ],
        FaultsOf(new() { ["Auth:Oidc:JwksPath"] = Keys() }));

    [Fact]
    public void A_provider_and_a_file_of_keys_are_one_too_many()
    {
        var path = Keys();
        Assert.Equal(
            [$"Auth__Oidc__JwksPath is '{path}': expected no file, because Auth__Oidc__Authority says where the keys are; remove one of the two."],
            FaultsOf(new() { ["Auth:Oidc:Authority"] = "https://id.example", ["Auth:Oidc:JwksPath"] = path, ["Auth:Oidc:Audience"] = "cn2" }));
    }

    [Fact]
    public void A_file_with_keys_that_may_check_nothing_is_named()
    {
        using var weak = RSA.Create(1024);
        foreach (var text in (string[])["", "{}", "{\"keys\": []}", "[1", "{\"keys\": [{\"kty\": \"oct\", \"k\": \"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0\"}]}", TestKeys.Set(TestKeys.Of(weak, "weak"))])
        {
            var path = Put("keys.json", text);
            Assert.Equal(
                [$"Auth__Oidc__JwksPath is '{path}': expected a JSON file with the provider's public keys ({{\"keys\": […]}}), at least one of them {Rsa}"],
                FaultsOf(new() { ["Auth:Oidc:JwksPath"] = path, ["Auth:Oidc:Audience"] = "cn2", ["Auth:Oidc:Issuer"] = "https://id.example" }));
        }
    }

    [Fact]
    public void Client_certificates_need_TLS_and_a_file_with_a_root()
    {
        var ca = Put("ca.pem", _authority.RootPem);
        Assert.Equal(
            [$"Auth__ClientCa__Path is '{ca}': expected Http__Url or Kubernetes__Url with https://, because only TLS has client certificates."],
            FaultsOf(new() { ["Auth:ClientCa:Path"] = ca }));
        var (certificate, key) = _authority.Issue();
        var tls = new Dictionary<string, string?> { ["Kubernetes:Url"] = "https://*:8443", ["Http:Certificate:Path"] = Put("server.pem", certificate), ["Http:Certificate:KeyPath"] = Put("server.key", key) };
        Assert.Empty(FaultsOf(new(tls) { ["Auth:ClientCa:Path"] = ca }));
        Assert.Empty(FaultsOf(new(tls) { ["Auth:ClientCa:Path"] = Put("both.pem", _authority.IntermediatePem + "\n" + _authority.RootPem) }));
        foreach (var (name, text) in ((string, string)[])[("none.pem", ""), ("key.pem", key), ("leaf.pem", certificate), ("cut.pem", _authority.RootPem[..^40]), ("intermediate.pem", _authority.IntermediatePem)])
        {
            var path = Put(name, text);
            Assert.Equal(
                [$"Auth__ClientCa__Path is '{path}': expected a PEM file with the certificates of CAs, at least one of them a root (-----BEGIN CERTIFICATE-----)."],
                FaultsOf(new(tls) { ["Auth:ClientCa:Path"] = path }));
        }

        Assert.Equal(
            [$"Auth__ClientCa__Path is '{_directory.Path}': expected a file that can be read (it is a directory)."],
            FaultsOf(new(tls) { ["Auth:ClientCa:Path"] = _directory.Path }));
    }

    [Fact]
    public void Mode_none_and_a_provider_beside_it_contradict_each_other() => Assert.Equal(
        ["Auth__Oidc__Authority is 'https://id.example': expected Auth__Mode=required beside it, because with none nobody is asked."],
        FaultsOf(new() { ["Auth:Mode"] = "none", ["Auth:Oidc:Authority"] = "https://id.example", ["Auth:Oidc:Audience"] = "cn2" }));

    [Fact]
    public void A_wrong_listener_is_named_once_and_hides_no_fault_of_Auth() => Assert.Equal(
        ["Auth__Mode", "Http__Url"],
        FaultsOf(new() { ["Auth:Mode"] = "none", ["Http:Url"] = "nonsense", ["Kubernetes:Url"] = "http://*:1", ["Http:AllowPlain"] = "true" }).Select(f => f.Split(' ')[0]));

    private string Keys()
    {
        using var rsa = RSA.Create(2048);
        return Put("keys.json", TestKeys.Set(TestKeys.Of(rsa, "one")));
    }

    private string Put(string name, string text)
    {
        var path = Path.Combine(_directory.Path, name);
        File.WriteAllText(path, text);
        return path;
    }

    private static ServiceProvider Bind(Dictionary<string, string?> values)
    {
        var all = new Dictionary<string, string?>(values) { ["ConnectionStrings:CN2"] = "Host=x", ["Bgp:Engine"] = "none", ["Agents:Mode"] = "none" };
        return new ServiceCollection().AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(all).Build()).AddSettings().BuildServiceProvider();
    }

    private static IEnumerable<string> FaultsOf(Dictionary<string, string?> values)
    {
        using var services = Bind(values);
        try
        {
            services.CheckSettings();
            return [];
        }
        catch (SettingsException e)
        {
            return e.Faults.Order(StringComparer.Ordinal);
        }
    }
}
