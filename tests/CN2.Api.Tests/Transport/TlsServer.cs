using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Tests.Reconcile;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CN2.Api.Tests.Transport;

/// <summary>The real server with TLS on all three ports; its client knows only the root of the CA.</summary>
public sealed class TlsServer(PrivatePostgres postgres) : ApiServer(postgres), IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new("cn2-tls-");

    public TestAuthority Authority { get; } = new();

    /// <summary>Of REST and the Kubernetes API.</summary>
    public string CertificatePath => Path.Combine(_directory.Path, "http.pem");

    public string KeyPath => Path.Combine(_directory.Path, "http.key");

    public string GrpcCertificatePath => Path.Combine(_directory.Path, "grpc.pem");

    public string GrpcKeyPath => Path.Combine(_directory.Path, "grpc.key");

    /// <summary>PEM file with the root.</summary>
    public string CaPath => Path.Combine(_directory.Path, "ca.pem");

    public Uri Rest => Address(0);

    public Uri Agents => Address(1);

    public Uri Kubernetes => Address(2);

    internal RecordedLog Log { get; } = new();

    protected override string[] Settings =>
    [
        "--Http:Url", "https://127.0.0.1:0", "--Http:Certificate:Path", CertificatePath, "--Http:Certificate:KeyPath", KeyPath,
        "--Grpc:Url", "https://127.0.0.1:0", "--Grpc:Certificate:Path", GrpcCertificatePath, "--Grpc:Certificate:KeyPath", GrpcKeyPath,
        "--Kubernetes:Url", "https://127.0.0.1:0", "--Http:CorsOrigins:0", "https://portal.example", "--AllowedHosts", "cn2.example;*.lab.example",
        "--Logging:LogLevel:CN2.Api.Transport", "Information",
    ];

    async ValueTask IAsyncLifetime.InitializeAsync()
    {
        await File.WriteAllTextAsync(CaPath, Authority.RootPem);
        Put(CertificatePath, KeyPath, Authority.Issue("rest"));
        Put(GrpcCertificatePath, GrpcKeyPath, Authority.Issue("agents"));
        await InitializeAsync();
    }

    public static void Put(string path, string keyPath, (string Certificate, string Key) pair)
    {
        File.WriteAllText(path, pair.Certificate);
        File.WriteAllText(keyPath, pair.Key);
    }

    /// <summary>A connection of its own, handshake done.</summary>
    public async Task<SslStream> ConnectAsync(Uri to, SslClientAuthenticationOptions? options = null)
    {
        var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(to.Host, to.Port);
        var tls = new SslStream(client.GetStream());
        options ??= new();
        options.TargetHost ??= to.Host;
        options.CertificateChainPolicy = Policy();
        await tls.AuthenticateAsClientAsync(options);
        return tls;
    }

    /// <summary>The subject of the certificate that a new connection gets.</summary>
    public async Task<string> SubjectAsync(Uri of)
    {
        await using var tls = await ConnectAsync(of, new() { ApplicationProtocols = [SslApplicationProtocol.Http2] });
        return tls.RemoteCertificate!.Subject;
    }

    public SocketsHttpHandler Trusting() => new() { SslOptions = { CertificateChainPolicy = Policy() } };

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Authority.Dispose();
        _directory.Dispose();
    }

    protected override HttpMessageHandler Handler() => Trusting();

    protected override void Replace(IServiceCollection services) => services.AddSingleton<ILoggerProvider>(Log);

    private Uri Address(int port) => new(Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ElementAt(port));

    /// <summary>Nothing is known but the root, and nothing is fetched.</summary>
    private X509ChainPolicy Policy()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        policy.CustomTrustStore.Add(Authority.Root);
        return policy;
    }
}
