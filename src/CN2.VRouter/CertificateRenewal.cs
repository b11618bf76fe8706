using CN2.Agents.V1;
using CN2.VRouter.Certificates;
using Grpc.Core;
using Grpc.Net.Client;

namespace CN2.VRouter;

/// <summary>
/// Asks for the next certificate, with a new key, at two thirds of the life of the one in use, which stays valid until its end. While no server answers it goes on
/// trying; once the certificate has expired, it says what to do.
/// </summary>
internal sealed partial class CertificateRenewal(IReadOnlyList<Uri> servers, AgentCertificate own, ServerTrust trust, TimeProvider time, ILogger logger)
{
    /// <summary>The shortest life is an hour: enough attempts are left in a third of it.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly ILogger _logger = logger;
    private string? _said;

    /// <summary>Runs until <paramref name="cancellation"/>.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await RunOnceAsync(cancellation);
            await Task.Delay(Interval, time, cancellation);
        }
    }

    /// <summary>One look; it renews when it is time.</summary>
    public async Task RunOnceAsync(CancellationToken cancellation)
    {
        try
        {
            if (own.Read() is not { } certificate) return;
            using var current = certificate;
            var now = time.GetUtcNow();
            if (now < AgentCertificate.RenewalOf(current)) return;
            if (now >= new DateTimeOffset(current.NotAfter))
            {
                Say($"it has expired on {current.NotAfter.ToUniversalTime():u}; make a new join token and run cn2-vrouter join with --force");
                return;
            }

            await RenewAsync(cancellation);
        }
        catch (Exception e) when (e is CertificateFileException or IOException or UnauthorizedAccessException)
        {
            Say(e.Message);
        }
    }

    private async Task RenewAsync(CancellationToken cancellation)
    {
        foreach (var server in servers.Where(s => s.Scheme == Uri.UriSchemeHttps))
        {
            using var request = new KeyRequest();
            try
            {
                using var handler = new SocketsHttpHandler { ConnectTimeout = Patience, UseProxy = false, SslOptions = trust.ForConnection(server) };
                handler.SslOptions.ClientCertificateContext = own.ForConnection();
                using var channel = GrpcChannel.ForAddress(server, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = false });
                var issued = await new AgentRenewal.AgentRenewalClient(channel).RenewAsync(
                    new RenewRequest { CertificateRequest = request.Request }, deadline: DateTime.UtcNow + Patience, cancellationToken: cancellation);
                var (certificate, authorities) = request.Read(issued);
                own.Write(request.Key, certificate, authorities);
                _said = null;
                LogRenewed(certificate.NotAfter.ToUniversalTime());
                return;
            }
            catch (Exception e) when (e is RpcException or ServerTrustException or CertificateFileException)
            {
                cancellation.ThrowIfCancellationRequested();
                Say($"{server}: {(e is RpcException rpc ? ServerConnection.ReasonOf(server, rpc.Status) : e.Message)}");
            }
        }
    }

    /// <summary>Each reason once in the log, not every minute.</summary>
    private void Say(string reason)
    {
        if (reason != _said) LogNotRenewed(reason);
        _said = reason;
    }

    [LoggerMessage(15, LogLevel.Information, "The certificate of this node was renewed; the next connection shows the new one, which is valid until {NotAfter:u}.")]
    private partial void LogRenewed(DateTime notAfter);

    [LoggerMessage(16, LogLevel.Warning, "The certificate of this node is not renewed: {Reason}. Trying again.")]
    private partial void LogNotRenewed(string reason);
}
