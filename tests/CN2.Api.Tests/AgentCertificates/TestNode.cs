extern alias agent;

using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using agent::CN2.Agents.V1;
using agent::CN2.VRouter.V1;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace CN2.Api.Tests.AgentCertificates;

/// <summary>A node played by the test: what it shows in the handshake, and what it sends, is the test's to say.</summary>
internal sealed class TestNode : IDisposable
{
    /// <summary>RFC 9113 §7.</summary>
    private const int EnhanceYourCalm = 0xb;

    private readonly SocketsHttpHandler _handler;
    private readonly GrpcChannel _channel;

    public TestNode(AgentServer server, X509Certificate2? certificate)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(server.Authority.Root);
        _handler = new SocketsHttpHandler { SslOptions = { CertificateChainPolicy = policy } };
        if (certificate is not null) _handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true);
        _channel = GrpcChannel.ForAddress(server.Agents, new GrpcChannelOptions { HttpHandler = _handler });
    }

    public static ByteString Request(ECDsa key, string subject = "CN=whoever") => ByteString.CopyFrom(new CertificateRequest(subject, key, HashAlgorithmName.SHA256).CreateSigningRequest());

    /// <summary>A report that these endpoints are healthy.</summary>
    public static AgentMessage Healthy(params Guid[] endpoints)
    {
        var report = new HealthReport();
        report.Endpoints.AddRange(endpoints.Select(e => new EndpointHealth { Uid = ByteString.CopyFrom(e.ToByteArray(bigEndian: true)), Health = Health.Healthy }));
        return new AgentMessage { Health = report };
    }

    /// <summary>The certificate that a token gives, with its key.</summary>
    public static async Task<X509Certificate2> JoinAsync(AgentServer server, string token, string name = "")
    {
        using var node = new TestNode(server, null);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var issued = await node.JoinAsync(token, name, Request(key));
        using var certificate = X509CertificateLoader.LoadCertificate(issued.Certificate.Span);
        return certificate.CopyWithPrivateKey(key);
    }

    public Task<IssuedCertificate> JoinAsync(string token, string name, ByteString request) =>
        new AgentJoin.AgentJoinClient(_channel).JoinAsync(new JoinRequest { Token = token, Name = name, CertificateRequest = request }).ResponseAsync;

    public Task<IssuedCertificate> RenewAsync(ByteString request) => new AgentRenewal.AgentRenewalClient(_channel).RenewAsync(new RenewRequest { CertificateRequest = request }).ResponseAsync;

    /// <summary>Connects and says hello. The server has answered when it returns.</summary>
    /// <exception cref="RpcException">The server has refused.</exception>
    public async Task<AsyncDuplexStreamingCall<AgentMessage, ServerMessage>> ConnectAsync(string name, IPAddress address)
    {
        while (true)
        {
            try
            {
                return await ConnectOnceAsync(name, address);
            }
            catch (Exception e) when (e.GetBaseException() is HttpProtocolException { ErrorCode: EnhanceYourCalm })
            {
                // Streams of this connection that the server has refused have not ended yet.
                await Task.Delay(20);
            }
        }
    }

    private async Task<AsyncDuplexStreamingCall<AgentMessage, ServerMessage>> ConnectOnceAsync(string name, IPAddress address)
    {
        var call = new VirtualRouterControl.VirtualRouterControlClient(_channel).Connect();
        try
        {
            await call.RequestStream.WriteAsync(new AgentMessage { Hello = new Hello { Name = name, Address = ByteString.CopyFrom(address.GetAddressBytes()), AgentVersion = "test" } });
        }
        catch (Exception e) when (e is RpcException or InvalidOperationException)
        {
            // The answer says why.
        }

        await call.ResponseHeadersAsync;
        if (await call.ResponseStream.MoveNext(CancellationToken.None)) return call;
        throw new RpcException(call.GetStatus());
    }

    /// <summary>Reads until the server ends the stream; the status with which it did.</summary>
    public static async Task<Status> EndOfAsync(AsyncDuplexStreamingCall<AgentMessage, ServerMessage> call)
    {
        try
        {
            while (await call.ResponseStream.MoveNext(CancellationToken.None))
            {
            }

            return call.GetStatus();
        }
        catch (RpcException e)
        {
            return e.Status;
        }
    }

    public static async Task<Status> StatusOfAsync(Func<Task> call) => (await Assert.ThrowsAsync<RpcException>(call)).Status;

    public void Dispose()
    {
        _channel.Dispose();
        _handler.Dispose();
    }
}
