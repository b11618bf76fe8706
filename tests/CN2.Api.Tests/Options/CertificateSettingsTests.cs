using System.Security.Cryptography;
using CN2.Api.Options;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Options;

/// <summary>What is said at the start about certificates, all at once.</summary>
public sealed class CertificateSettingsTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new("cn2-certificates-");
    private readonly TestAuthority _authority = new();

    public void Dispose()
    {
        _authority.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public void Https_needs_a_certificate_and_its_key() => Assert.Equal(
        [
            "Grpc__Certificate__KeyPath is not set: expected a PEM file with the private key of the certificate, because Grpc__Url is https://.",
            "Grpc__Certificate__Path is not set: expected a PEM file with the server's certificate and then its chain, because Grpc__Url is https://.",
            "Http__Certificate__KeyPath is not set: expected a PEM file with the private key of the certificate, because Kubernetes__Url is https://.",
            "Http__Certificate__Path is not set: expected a PEM file with the server's certificate and then its chain, because Kubernetes__Url is https://.",
        ],
        FaultsOf(new() { ["Kubernetes:Url"] = "https://*:8443", ["Grpc:Url"] = "https://*:8444" }));

    [Fact]
    public void A_certificate_with_its_chain_and_key_is_taken()
    {
        var (certificate, key) = Write(_authority.Issue());
        Assert.Empty(FaultsOf(Rest(certificate, key)));
        // Kubernetes alone has Http's.
        Assert.Empty(FaultsOf(new() { ["Kubernetes:Url"] = "https://*:8443", ["Http:Certificate:Path"] = certificate, ["Http:Certificate:KeyPath"] = key }));
    }

    [Theory]
    [InlineData("rsa")]
    [InlineData("ec")]
    [InlineData("pkcs1")]
    public void Keys_are_taken_in_each_of_their_usual_forms(string kind)
    {
        string[] curve = kind == "ec" ? ["-pkeyopt", "ec_paramgen_curve:P-256"] : [];
        Command.Run("openssl", ["req", "-x509", "-newkey", kind == "ec" ? "ec" : "rsa:2048", .. curve, "-nodes", "-days", "1", "-subj", "/CN=cn2", "-keyout", Named("k.pem"), "-out", Named("c.pem")]);
        if (kind == "pkcs1") Command.Run("openssl", "rsa", "-traditional", "-in", Named("k.pem"), "-out", Named("k.pem"));
        Assert.Empty(FaultsOf(Rest(Named("c.pem"), Named("k.pem"))));
    }

    [Fact]
    public void Files_that_are_missing_or_cannot_be_read_are_named() => Assert.Equal(
        [
            $"Http__Certificate__KeyPath is '{_directory.Path}': expected a file that can be read (it is a directory).",
            $"Http__Certificate__Path is '{Named("none.pem")}': expected a file that can be read (it does not exist).",
        ],
        FaultsOf(Rest(Named("none.pem"), _directory.Path)));

    [Fact]
    public void A_file_without_a_certificate_or_without_a_key_is_named()
    {
        var (certificate, key) = Write(_authority.Issue());
        Assert.Equal(
            [
                $"Http__Certificate__KeyPath is '{certificate}': expected a PEM file with the private key of the certificate (-----BEGIN PRIVATE KEY-----).",
                $"Http__Certificate__Path is '{key}': expected a PEM file with the server's certificate and then its chain (-----BEGIN CERTIFICATE-----).",
            ],
            FaultsOf(Rest(key, certificate)));
    }

    [Fact]
    public void A_key_of_another_certificate_is_named()
    {
        var (certificate, _) = Write(_authority.Issue("cn2"));
        using var rsa = RSA.Create(2048);
        foreach (var key in (string[])[_authority.Issue("other").Key, rsa.ExportPkcs8PrivateKeyPem(), "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"])
        {
            File.WriteAllText(Named("other.key"), key);
            Assert.Equal(
                [$"Http__Certificate__KeyPath is '{Named("other.key")}': expected the private key of the certificate that is the first of its file (CN=cn2)."],
                FaultsOf(Rest(certificate, Named("other.key"))));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_key_with_a_passphrase_is_named(bool traditional)
    {
        var (certificate, key) = Write(_authority.Issue());
        Command.Run("openssl", "ec", "-aes256", "-passout", "pass:secret", "-in", key, "-out", Named("locked.key"));
        if (!traditional) Command.Run("openssl", "pkcs8", "-topk8", "-passout", "pass:secret", "-in", key, "-out", Named("locked.key"));
        Assert.Equal(
            [$"Http__Certificate__KeyPath is '{Named("locked.key")}': expected a private key without a passphrase, protected by the permissions of its file (openssl pkey -in FILE -out NEW)."],
            FaultsOf(Rest(certificate, Named("locked.key"))));
    }

    [Fact]
    public void The_certificate_of_secrets_is_RSA_and_has_its_key()
    {
        using var certificates = new CN2.Api.Tests.Secrets.SecretsCertificates();
        var (certificate, key) = Write(_authority.Issue("cn2"));
        Assert.Empty(FaultsOf(new()
        {
            ["Secrets:Certificate:Path"] = certificates.Certificate("a"),
            ["Secrets:Certificate:KeyPath"] = certificates.Key("a"),
            ["Secrets:Certificate:Previous:0"] = certificates.Both("b"),
        }));
        Assert.Equal(
            [$"Secrets__Certificate__Path is '{certificate}': expected an RSA certificate (CN=cn2 is none)."],
            FaultsOf(new() { ["Secrets:Certificate:Path"] = certificate, ["Secrets:Certificate:KeyPath"] = key }));
        Assert.Equal(
            ["Secrets__Certificate__KeyPath is not set: expected a PEM file with the private key of the certificate, because Secrets__Certificate__Path is set."],
            FaultsOf(new() { ["Secrets:Certificate:Path"] = certificates.Certificate("a") }));
        Assert.Equal(
            [$"Secrets__Certificate__KeyPath is '{certificates.Key("a")}': expected Secrets__Certificate__Path, or no key."],
            FaultsOf(new() { ["Secrets:Certificate:KeyPath"] = certificates.Key("a") }));
        Assert.Equal(
            [$"Secrets__Certificate__KeyPath is '{certificates.Key("b")}': expected the private key of the certificate that is the first of its file (CN=a)."],
            FaultsOf(new() { ["Secrets:Certificate:Path"] = certificates.Certificate("a"), ["Secrets:Certificate:KeyPath"] = certificates.Key("b") }));
        Assert.Equal(
            [$"Secrets__Certificate__Previous is '{Named("none.pem")}': expected PEM files, each with an RSA certificate and its key; {Named("none.pem")}: a file that can be read (it does not exist)."],
            FaultsOf(new() { ["Secrets:Certificate:Previous:0"] = Named("none.pem") }));
        Assert.Equal(
            [$"Secrets__Certificate__Previous is '{certificates.Both("b")}': expected files as Secrets__Certificate__Previous__0, Secrets__Certificate__Previous__1, …."],
            FaultsOf(new() { ["Secrets:Certificate:Previous"] = certificates.Both("b") }));
    }

    private static Dictionary<string, string?> Rest(string certificate, string key) =>
        new() { ["Http:Url"] = "https://*:8443", ["Http:Certificate:Path"] = certificate, ["Http:Certificate:KeyPath"] = key };

    private string Named(string name) => Path.Combine(_directory.Path, name);

    private (string Certificate, string Key) Write((string Certificate, string Key) pair)
    {
        File.WriteAllText(Named("server.pem"), pair.Certificate);
        File.WriteAllText(Named("server.key"), pair.Key);
        return (Named("server.pem"), Named("server.key"));
    }

    private static IEnumerable<string> FaultsOf(Dictionary<string, string?> values)
    {
        var all = new Dictionary<string, string?>(values) { ["ConnectionStrings:CN2"] = "Host=x", ["Bgp:Engine"] = "none" };
        all.TryAdd("Agents:Mode", values.GetValueOrDefault("Grpc:Url")?.StartsWith("https", StringComparison.Ordinal) == true ? "required" : "none");
        using var services = new ServiceCollection().AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(all).Build()).AddSettings().BuildServiceProvider();
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
