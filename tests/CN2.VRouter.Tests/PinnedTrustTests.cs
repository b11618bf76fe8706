using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using CN2.VRouter.Certificates;

namespace CN2.VRouter.Tests;

/// <summary>Which server an agent believes that knows the CA by its hash alone.</summary>
public sealed class PinnedTrustTests
{
    [Fact]
    public async Task A_server_whose_chain_has_the_CA_is_believed()
    {
        using var authority = new TestAuthority();
        Assert.Null(await FaultAsync(authority.Issue(), authority.IntermediatePem));
    }

    [Fact]
    public async Task A_server_that_sends_the_CA_but_was_not_issued_by_it_is_not_believed()
    {
        using var real = new TestAuthority();
        using var forger = new TestAuthority(); // the same names, other keys
        var forged = forger.Issue();
        var leaf = forged.Certificate[..(forged.Certificate.IndexOf("-----END CERTIFICATE-----", StringComparison.Ordinal) + 25)];
        Assert.Contains("is not valid under the CA of --ca-hash", await FaultAsync((leaf + "\n" + real.IntermediatePem, forged.Key), real.IntermediatePem), StringComparison.Ordinal);
        Assert.Contains("does not stand behind it", await FaultAsync(forged, real.IntermediatePem), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_name_and_the_time_of_the_servers_certificate_count()
    {
        using var authority = new TestAuthority();
        Assert.Contains("is not for the name of --server", await FaultAsync(authority.Issue("cn2.example", addresses: "192.0.2.9"), authority.IntermediatePem), StringComparison.Ordinal);
        var now = DateTimeOffset.UtcNow;
        Assert.Contains("is not valid under the CA of --ca-hash", await FaultAsync(authority.Issue("late", now.AddDays(-3), now.AddDays(-2)), authority.IntermediatePem), StringComparison.Ordinal);
    }

    /// <summary>Why a handshake fails; null: it does not.</summary>
    private static async Task<string?> FaultAsync((string Certificate, string Key) server, string pinned)
    {
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(server.Certificate);
        using var certificate = X509Certificate2.CreateFromPem(server.Certificate, server.Key);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = Task.Run(async () =>
        {
            using var accepted = await listener.AcceptTcpClientAsync();
            await using var tls = new SslStream(accepted.GetStream());
            try
            {
                await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = SslStreamCertificateContext.Create(certificate, [.. chain.Skip(1)], offline: true) });
                await tls.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false);
            }
            catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
            {
                // The client has hung up.
            }
        });
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        string? fault = null;
        await using (var tls = new SslStream(client.GetStream()))
        {
            var options = new PinnedTrust(PinnedTrust.HashOf(X509Certificate2.CreateFromPem(pinned))).ForConnection();
            options.TargetHost = "127.0.0.1";
            try
            {
                await tls.AuthenticateAsClientAsync(options);
            }
            catch (ServerTrustException e)
            {
                fault = e.Message;
            }
        }

        client.Close();
        await serving;
        return fault;
    }
}
