using System.Security.Cryptography.X509Certificates;
using CN2.Agents.V1;
using CN2.VRouter.Certificates;
using Grpc.Core;
using Grpc.Net.Client;

namespace CN2.VRouter;

/// <summary>
/// Exchanges a join token for the certificate of this node. Nothing is trusted beforehand but the hash of the agents' CA: the server's own certificate must come from
/// that CA, unless --ca-file says from which it comes; and the CA that the server hands out must have the hash in either case.
/// </summary>
public static class JoinCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>0: joined, or there is a good certificate already and --force was not given. 1: it did not work, and a sentence on <paramref name="error"/> says why.</summary>
    public static async Task<int> RunAsync(AgentCommand.Join join, TextWriter output, TextWriter error, TimeProvider time, CancellationToken cancellation)
    {
        try
        {
            var own = new AgentCertificate(join.StateDirectory);
            if (!join.Force && Good(own, time) is { } kept)
            {
                await output.WriteLineAsync($"cn2-vrouter: this node is {kept.GetNameInfo(X509NameType.SimpleName, false)} already, by a certificate that is valid until {kept.NotAfter.ToUniversalTime():u} ({own.Path}); to join again, as after it was revoked, give --force");
                return 0;
            }

            var (name, until) = await JoinAsync(join, own, cancellation);
            await output.WriteLineAsync($"cn2-vrouter: this node is VirtualRouter {name}; its certificate is valid until {until:u} and renews itself while the agent runs");
            await output.WriteLineAsync($"cn2-vrouter: start the agent with --server {join.Server.GetLeftPart(UriPartial.Authority)} --name {name} --address ADDRESS --state-dir {join.StateDirectory}");
            return 0;
        }
        catch (RpcException e)
        {
            await error.WriteLineAsync($"cn2-vrouter: {join.Server}: {ServerConnection.ReasonOf(join.Server, e.Status)}");
            return 1;
        }
        catch (Exception e) when (e is ServerTrustException or CertificateFileException or IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync($"cn2-vrouter: {(e is ServerTrustException && join.CaFile is not null ? $"--ca-file {join.CaFile}: " : "")}{e.Message}");
            return 1;
        }
    }

    /// <summary>The certificate that is there, when it is valid now; one that cannot be read is none.</summary>
    private static X509Certificate2? Good(AgentCertificate own, TimeProvider time)
    {
        try
        {
            var now = time.GetUtcNow();
            return own.Read() is { } kept && new DateTimeOffset(kept.NotBefore) <= now && now < new DateTimeOffset(kept.NotAfter) ? kept : null;
        }
        catch (CertificateFileException)
        {
            return null;
        }
    }

    /// <summary>Without --ca-file the CA of an earlier join counts, too.</summary>
    private static async Task<(string Name, DateTime Until)> JoinAsync(AgentCommand.Join join, AgentCertificate own, CancellationToken cancellation)
    {
        try
        {
            return await JoinByAsync(join, join.CaFile, own, cancellation);
        }
        catch (RpcException e) when (join.CaFile is null && e.Status.DebugException is not null && File.Exists(own.ServerCaPath))
        {
            return await JoinByAsync(join, own.ServerCaPath, own, cancellation);
        }
    }

    private static async Task<(string Name, DateTime Until)> JoinByAsync(AgentCommand.Join join, string? caFile, AgentCertificate own, CancellationToken cancellation)
    {
        using var request = new KeyRequest();
        var pinned = new PinnedTrust(join.CaHash);
        var trust = new ServerTrust(caFile);
        using var handler = new SocketsHttpHandler { ConnectTimeout = Patience, UseProxy = false, SslOptions = caFile is null ? pinned.ForConnection() : trust.ForConnection(join.Server) };
        using var channel = GrpcChannel.ForAddress(join.Server, new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = false });
        var issued = await new AgentJoin.AgentJoinClient(channel).JoinAsync(
            new JoinRequest { Token = join.Token, Name = join.Name ?? "", CertificateRequest = request.Request }, deadline: DateTime.UtcNow + Patience, cancellationToken: cancellation);
        var (certificate, authorities) = request.Read(issued);
        if (!authorities.Any(a => PinnedTrust.HashOf(a) == join.CaHash))
            throw new CertificateFileException($"the server hands out another CA than that of --ca-hash ({(authorities.Count > 0 ? PinnedTrust.HashOf(authorities[0]) : "none")}), so nothing was kept; is this the right server?");
        // First the CA, then the certificate: with the second the node has joined.
        own.WriteServerCa(caFile is null ? authorities : trust.ReadCa()!);
        own.Write(request.Key, certificate, authorities);
        return (issued.Name, certificate.NotAfter.ToUniversalTime());
    }
}
