using CN2.Api.Options;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Options;

/// <summary>Where agents may come without certificates, and which files are a CA.</summary>
public sealed class AgentSettingsTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new("cn2-agent-settings-");
    private readonly TestAuthority _authority = new();

    public void Dispose()
    {
        _authority.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void Certificates_are_required_by_default_and_need_https() => Assert.StartsWith(
        "Agents__Mode is 'required': expected Grpc__Url (now http://127.0.0.1:8081) with https://", Assert.Single(FaultsOf([])), StringComparison.Ordinal);

    [Fact]
    public void Required_with_https_is_right() => Assert.Empty(FaultsOf(Tls("https://*:8444")));

    [Fact]
    public void None_is_right_on_loopback_and_where_plain_is_allowed()
    {
        Assert.Empty(FaultsOf(new() { ["Agents:Mode"] = "none" }));
        Assert.Empty(FaultsOf(new(Tls("https://127.0.0.1:8444")) { ["Agents:Mode"] = "none" }));
        Assert.Empty(FaultsOf(new() { ["Agents:Mode"] = "none", ["Grpc:Url"] = "http://*:8081", ["Grpc:AllowPlain"] = "true" }));
        Assert.Empty(FaultsOf(new(Tls("https://*:8444")) { ["Agents:Mode"] = "none", ["Grpc:AllowPlain"] = "true" }));
    }

    [Fact]
    public void None_elsewhere_is_named_with_the_address() => Assert.StartsWith(
        "Agents__Mode is 'none': expected required, because Grpc__Url (https://0.0.0.0:8444) is no loopback address",
        Assert.Single(FaultsOf(new(Tls("https://*:8444")) { ["Agents:Mode"] = "none" })), StringComparison.Ordinal);

    [Theory]
    [InlineData("Agents:Mode", "Required", "Agents__Mode is 'Required': expected required or none.")]
    [InlineData("Agents:CertificateHours", "0", "Agents__CertificateHours is '0': expected a whole number from 1 to 8760.")]
    [InlineData("Agents:CertificateHours", "8761", "Agents__CertificateHours is '8761': expected a whole number from 1 to 8760.")]
    public void A_wrong_value_is_named(string key, string value, string sentence) => Assert.Equal([sentence], FaultsOf(new(Tls("https://*:8444")) { [key] = value }));

    [Fact]
    public void The_files_of_the_CA_belong_together()
    {
        var (path, keyPath) = Write("ca", _authority.RootPem, _authority.RootKeyPem);
        Assert.Empty(FaultsOf(new(Tls("https://*:8444")) { ["Agents:Ca:Path"] = path, ["Agents:Ca:KeyPath"] = keyPath }));
        Assert.Equal(["Agents__Ca__KeyPath is not set: expected a PEM file with the private key of the CA, because Agents__Ca__Path is set."], FaultsOf(new(Tls("https://*:8444")) { ["Agents:Ca:Path"] = path }));
        Assert.Equal(["Agents__Ca__Path is not set: expected a PEM file with the certificate of the CA, because Agents__Ca__KeyPath is set."], FaultsOf(new(Tls("https://*:8444")) { ["Agents:Ca:KeyPath"] = keyPath }));
    }

    [Fact]
    public void What_is_no_CA_or_does_not_lead_to_a_root_is_named()
    {
        var issued = _authority.Issue("leaf");
        var (server, serverKey) = Write("server", issued.Certificate, issued.Key);
        Assert.Equal(
            [$"Agents__Ca__Path is '{server}': expected the certificate of a CA first (CN=leaf is none)."],
            FaultsOf(new(Tls("https://*:8444")) { ["Agents:Ca:Path"] = server, ["Agents:Ca:KeyPath"] = serverKey }));
        var (middle, middleKey) = Write("middle", _authority.IntermediatePem, _authority.IntermediateKeyPem);
        Assert.Equal(
            [$"Agents__Ca__Path is '{middle}': expected the CA and what leads from it to its root (CN=Test root is missing)."],
            FaultsOf(new(Tls("https://*:8444")) { ["Agents:Ca:Path"] = middle, ["Agents:Ca:KeyPath"] = middleKey }));
        var (whole, wholeKey) = Write("whole", _authority.IntermediatePem + "\n" + _authority.RootPem, _authority.IntermediateKeyPem);
        Assert.Empty(FaultsOf(new(Tls("https://*:8444")) { ["Agents:Ca:Path"] = whole, ["Agents:Ca:KeyPath"] = wholeKey }));
    }

    private Dictionary<string, string?> Tls(string url)
    {
        var (certificate, key) = _authority.Issue();
        var (path, keyPath) = Write("tls", certificate, key);
        return new() { ["Grpc:Url"] = url, ["Grpc:Certificate:Path"] = path, ["Grpc:Certificate:KeyPath"] = keyPath };
    }

    private (string Path, string KeyPath) Write(string name, string certificate, string key)
    {
        var (path, keyPath) = (Path.Combine(_directory.Path, name + ".pem"), Path.Combine(_directory.Path, name + ".key"));
        File.WriteAllText(path, certificate);
        File.WriteAllText(keyPath, key);
        return (path, keyPath);
    }

    private static IReadOnlyList<string> FaultsOf(Dictionary<string, string?> values)
    {
        var all = new Dictionary<string, string?>(values) { ["ConnectionStrings:CN2"] = "Host=x", ["Bgp:Engine"] = "none" };
        using var services = new ServiceCollection().AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(all).Build()).AddSettings().BuildServiceProvider();
        try
        {
            services.CheckSettings();
            return [];
        }
        catch (SettingsException e)
        {
            return e.Faults;
        }
    }
}
