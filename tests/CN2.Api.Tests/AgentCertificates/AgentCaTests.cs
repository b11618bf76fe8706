using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CN2.Api.AgentCertificates;
using CN2.Api.Options;
using CN2.Api.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace CN2.Api.Tests.AgentCertificates;

/// <summary>The CA itself: which one it is, what it issues, and whom it believes when.</summary>
public sealed class AgentCaTests(ApiServer api) : IClassFixture<ApiServer>
{
    private static readonly DateTimeOffset Now = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Of_many_that_make_a_CA_at_once_all_have_the_same()
    {
        // Nobody has needed one yet: the agents' port of this server is plain.
        var made = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Authority(new AgentOptions()).GetAsync(TestContext.Current.CancellationToken)));
        Assert.Single(made.Select(ca => ca.Hash).Distinct());
        Assert.All(made, ca => Assert.True(ca.MayIssue));
    }

    [Fact]
    public void Clocks_may_be_five_minutes_apart_and_the_end_counts()
    {
        var ca = NewCa();
        using var certificate = Issue(ca, TimeSpan.FromHours(1));
        Assert.Null(ca.FaultOf(certificate, Now.AddMinutes(-5)));
        Assert.Null(ca.FaultOf(certificate, Now));
        Assert.Null(ca.FaultOf(certificate, Now.AddMinutes(59)));
        Assert.StartsWith("is not valid before 2026-11-29 11:50:00Z; is the clock", ca.FaultOf(certificate, Now.AddMinutes(-11)), StringComparison.Ordinal);
        Assert.StartsWith("has expired on 2026-11-29 13:00:00Z; get a new one", ca.FaultOf(certificate, Now.AddMinutes(61)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_company_CA_below_its_root_issues_and_is_believed()
    {
        using var company = new TestAuthority("Company");
        foreach (var (issuer, key) in ((string, string)[])[(company.RootPem, company.RootKeyPem), (company.IntermediatePem, company.IntermediateKeyPem)])
        {
            var ca = new AgentCa([X509Certificate2.CreateFromPem(issuer, key), X509CertificateLoader.LoadCertificate(company.Root.RawData)]);
            using var certificate = Issue(ca, TimeSpan.FromHours(1), DateTimeOffset.UtcNow);
            Assert.Null(ca.FaultOf(certificate, DateTimeOffset.UtcNow));
            Assert.NotNull(NewCa().FaultOf(certificate, DateTimeOffset.UtcNow));
        }
    }

    [Fact]
    public void A_CA_with_an_RSA_key_issues_too()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=rsa", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var ca = new AgentCa([request.CreateSelfSigned(Now.AddDays(-1), Now.AddHours(2))]);
        using var certificate = Issue(ca, TimeSpan.FromHours(168));
        Assert.Equal(Now.AddHours(2).UtcDateTime, certificate.NotAfter.ToUniversalTime()); // no longer than the CA
        Assert.Null(ca.FaultOf(certificate, Now));
    }

    [Fact]
    public void A_token_counts_until_its_hour_is_over()
    {
        var row = new JoinTokenRow(Guid.NewGuid(), "compute1", Now + JoinToken.Life, null);
        Assert.Null(JoinToken.RefusalOf(row, "", Now + JoinToken.Life - TimeSpan.FromSeconds(1)));
        Assert.Equal(IssuanceRefusal.ExpiredToken, JoinToken.RefusalOf(row, "", Now + JoinToken.Life)!.Why);
        Assert.Equal(IssuanceRefusal.UsedToken, JoinToken.RefusalOf(row with { UsedAt = Now }, "", Now)!.Why);
    }

    [Fact]
    public async Task New_files_take_the_place_of_the_CA_after_two_looks_and_broken_ones_do_not()
    {
        using var directory = new TemporaryDirectory("cn2-ca-");
        var (path, keyPath) = (Path.Combine(directory.Path, "ca.pem"), Path.Combine(directory.Path, "ca.key"));
        var first = Write();
        var authority = Authority(new AgentOptions { CaPath = path, CaKeyPath = keyPath });
        Assert.Equal(first, (await authority.GetAsync(TestContext.Current.CancellationToken)).Hash);
        await File.WriteAllTextAsync(path, "half", TestContext.Current.CancellationToken);
        for (var i = 0; i < 3; i++) authority.Refresh();
        Assert.Equal(first, authority.Current!.Hash);
        var second = Write();
        authority.Refresh();
        Assert.Equal(first, authority.Current.Hash);
        authority.Refresh();
        Assert.Equal(second, authority.Current.Hash);

        string Write()
        {
            var (certificate, key) = AgentCa.Make("c", DateTimeOffset.UtcNow);
            File.WriteAllText(path, certificate);
            File.WriteAllText(keyPath, key);
            return new AgentCa([X509Certificate2.CreateFromPem(certificate)]).Hash;
        }
    }

    private static AgentCa NewCa()
    {
        var (certificate, key) = AgentCa.Make("test", Now);
        return new AgentCa([X509Certificate2.CreateFromPem(certificate, key)]);
    }

    private static X509Certificate2 Issue(AgentCa ca, TimeSpan life, DateTimeOffset? now = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return ca.Issue(new PublicKey(key), "compute1", "test", now ?? Now, life);
    }

    private AgentAuthority Authority(AgentOptions options) => new(
        options, new ControlNodeOptions(), api.Services.GetRequiredService<AgentCaTable>(), new FakeTimeProvider(Now), NullLogger<AgentAuthority>.Instance);
}
