using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace CN2.Api.Tests.Transport;

/// <summary>TLS of the ports, with a client that knows only the root of the CA.</summary>
public sealed class TlsTests(TlsServer api) : IClassFixture<TlsServer>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task REST_and_Kubernetes_speak_HTTP_1_and_2_on_one_port_and_send_the_chain(string version)
    {
        using var client = new HttpClient(api.Trusting()) { DefaultRequestVersion = Version.Parse(version), DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        foreach (var uri in (Uri[])[new(api.Rest, "/v1/namespaces"), new(api.Kubernetes, "/api/v1/namespaces")])
        {
            using var answer = await client.GetAsync(uri, Token);
            Assert.Equal((HttpStatusCode.OK, Version.Parse(version)), (answer.StatusCode, answer.Version));
        }
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, true)]
#pragma warning disable SYSLIB0039, CA5397 // what the server must refuse
    [InlineData(SslProtocols.Tls11, false)]
#pragma warning restore SYSLIB0039, CA5397
    public async Task TLS_is_1_2_or_1_3(SslProtocols protocol, bool taken)
    {
        foreach (var port in (Uri[])[api.Rest, api.Agents, api.Kubernetes])
        {
            var options = new SslClientAuthenticationOptions { EnabledSslProtocols = protocol, ApplicationProtocols = [SslApplicationProtocol.Http2] };
            if (taken) Assert.Equal(protocol, (await api.ConnectAsync(port, options)).SslProtocol);
            else await Assert.ThrowsAnyAsync<Exception>(() => api.ConnectAsync(port, options));
        }
    }

    [Fact]
    public async Task Each_port_has_its_own_API_only()
    {
        using var client = new HttpClient(api.Trusting()) { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        foreach (var path in (string[])["/v1/namespaces", "/swagger/index.html", "/openapi/v1.json", "/livez"])
            Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync(new Uri(api.Agents, path), Token)).StatusCode);
        using var content = new ByteArrayContent([]) { Headers = { ContentType = new("application/grpc") } };
        Assert.Equal(HttpStatusCode.NotFound, (await client.PostAsync(new Uri(api.Rest, "/cn2.vrouter.v1.VirtualRouterControl/Connect"), content, Token)).StatusCode);
    }

    [Fact]
    public async Task A_plain_request_to_a_TLS_port_gets_no_answer_and_the_port_lives_on()
    {
        using var plain = new TcpClient();
        await plain.ConnectAsync(api.Rest.Host, api.Rest.Port, Token);
        await plain.GetStream().WriteAsync("GET /v1/namespaces HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"u8.ToArray(), Token);
        Assert.DoesNotContain("200 OK", await new StreamReader(plain.GetStream()).ReadToEndAsync(Token), StringComparison.Ordinal);
        (await api.GetAsync("/v1/namespaces")).Expect(200);
    }

    [Fact]
    public async Task A_new_certificate_is_used_without_a_restart_and_open_connections_stay()
    {
        await using var open = await api.ConnectAsync(api.Rest);
        Assert.Equal("HTTP/1.1 200 OK", await AskAsync(open));
        await ReplaceAsync("renewed");
        Assert.Equal("HTTP/1.1 200 OK", await AskAsync(open));
        Assert.NotEqual("CN=renewed", open.RemoteCertificate!.Subject);
        Assert.Equal("CN=renewed", await api.SubjectAsync(api.Kubernetes));
        Assert.Equal("CN=agents", await api.SubjectAsync(api.Agents));
    }

    [Fact]
    public async Task A_file_that_cannot_be_used_keeps_the_certificate_before_it_and_is_one_warning_without_the_key()
    {
        await ReplaceAsync("good");
        var (certificate, key) = api.Authority.Issue("broken");
        var (_, otherKey) = api.Authority.Issue("other");
        foreach (var (text, keyText, expected) in ((string, string, string)[])
        [
            (certificate[..^40], key, $"{api.CertificatePath} has changed and cannot be used: expected a PEM file with the server's certificate and then its chain"), // the chain is cut
            (certificate[..300], key, $"{api.CertificatePath} has changed"),
            ("", key, $"{api.CertificatePath} has changed"),
            (certificate, otherKey, $"{api.KeyPath} has changed and cannot be used: expected the private key of the certificate that is the first of its file (CN=broken)"),
            (certificate, key[..^60], $"{api.KeyPath} has changed"),
            (certificate, key.Replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY", StringComparison.Ordinal), $"{api.KeyPath} has changed and cannot be used: expected a private key without a passphrase"),
        ])
        {
            var before = Warnings().Count;
            TlsServer.Put(api.CertificatePath, api.KeyPath, (text, keyText));
            await Eventually.TrueAsync(() => Warnings().Count > before, $"a warning of {expected}", seen: () => string.Join('\n', Warnings()));
            Assert.StartsWith(expected, Warnings()[^1], StringComparison.Ordinal);
            Assert.EndsWith("stays in use: CN=good", Warnings()[^1], StringComparison.Ordinal);
            Assert.Equal("CN=good", await api.SubjectAsync(api.Rest));
            await Eventually.StaysAsync(() => Warnings().Count == before + 1, "nothing more is said", TimeSpan.FromSeconds(2.5));
        }

        File.Delete(api.KeyPath);
        await Eventually.TrueAsync(() => Warnings()[^1].Contains("expected a file that can be read (it does not exist)", StringComparison.Ordinal), "a warning of the missing file");
        Assert.All(api.Log.Lines, l => Assert.DoesNotContain(key.Split('\n')[1][..30], l.Text, StringComparison.Ordinal));
        await ReplaceAsync("repaired");
    }

    [Fact]
    public async Task A_certificate_that_has_expired_is_a_warning()
    {
        TlsServer.Put(api.GrpcCertificatePath, api.GrpcKeyPath, api.Authority.Issue("late", DateTimeOffset.UtcNow.AddDays(-3), DateTimeOffset.UtcNow.AddDays(-2)));
        await Eventually.TrueAsync(() => Warnings().Any(w => w.StartsWith($"The certificate in {api.GrpcCertificatePath} has expired: CN=late, on ", StringComparison.Ordinal)), "the warning");
        TlsServer.Put(api.GrpcCertificatePath, api.GrpcKeyPath, api.Authority.Issue("agents"));
        await Eventually.TrueAsync(async () =>
        {
            try
            {
                return await api.SubjectAsync(api.Agents) == "CN=agents";
            }
            catch (AuthenticationException)
            {
                return false; // still the expired one
            }
        });
    }

    private async Task ReplaceAsync(string name)
    {
        TlsServer.Put(api.CertificatePath, api.KeyPath, api.Authority.Issue(name));
        await Eventually.TrueAsync(async () => await api.SubjectAsync(api.Rest) == $"CN={name}", $"{name} is in use");
    }

    private List<string> Warnings() => [.. api.Log.Lines.Where(l => l.Level == Microsoft.Extensions.Logging.LogLevel.Warning).Select(l => l.Text).Where(t => t.Contains("certificate", StringComparison.Ordinal))];

    private static async Task<string> AskAsync(SslStream stream)
    {
        await stream.WriteAsync("GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"u8.ToArray(), Token);
        var buffer = new byte[16 * 1024];
        var text = "";
        while (!text.EndsWith("0\r\n\r\n", StringComparison.Ordinal) && !text.EndsWith("ok\n", StringComparison.Ordinal)) text += Encoding.ASCII.GetString(buffer, 0, await stream.ReadAsync(buffer, Token));
        return text.Split("\r\n")[0];
    }
}
