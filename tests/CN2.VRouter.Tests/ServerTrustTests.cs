using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using CN2.VRouter.Certificates;
using CN2.VRouter.Probes;
using CN2.VRouter.Tests.Lab;
using Microsoft.Extensions.Logging;

namespace CN2.VRouter.Tests;

/// <summary>Why the agent does not connect to a server, in one sentence of its log.</summary>
public sealed class ServerTrustTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new("cn2t-trust-");
    private readonly TestAuthority _authority = new();

    private string CaFile => Path.Combine(_directory.Path, "ca.pem");

    public ServerTrustTests() => File.WriteAllText(CaFile, _authority.RootPem);

    public void Dispose()
    {
        _authority.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task A_certificate_of_an_unknown_CA_is_named_with_its_issuer()
    {
        using var other = new TestAuthority("Other root");
        Assert.Contains(
            $"its certificate was issued by CN=Other root intermediate, and no CA of --ca-file {CaFile} stands behind that", await ReasonAsync(other.Issue(), CaFile), StringComparison.Ordinal);
        Assert.Contains("and no CA of the system's store (or give --ca-file) stands behind that", await ReasonAsync(_authority.Issue(), caFile: null), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_for_another_name_is_named_with_its_names() => Assert.Contains(
        "its certificate is not for 127.0.0.1 but for cn2.example, 192.0.2.9; use one of these names in --server", await ReasonAsync(_authority.Issue("cn2.example", addresses: "192.0.2.9"), CaFile),
        StringComparison.Ordinal);

    [Fact]
    public async Task A_certificate_that_has_expired_or_is_not_valid_yet_is_named_with_its_time()
    {
        var now = DateTimeOffset.UtcNow;
        Assert.Contains("its certificate (CN=late) has expired on ", await ReasonAsync(_authority.Issue("late", now.AddDays(-3), now.AddDays(-2)), CaFile), StringComparison.Ordinal);
        Assert.Contains("its certificate (CN=early) is not valid before ", await ReasonAsync(_authority.Issue("early", now.AddDays(2), now.AddDays(3)), CaFile), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_chain_that_is_not_sent_is_asked_for()
    {
        var (certificate, key) = _authority.Issue();
        var alone = certificate[..(certificate.IndexOf("-----END CERTIFICATE-----", StringComparison.Ordinal) + 25)];
        Assert.Contains("does the server send its whole chain?", await ReasonAsync((alone, key), CaFile), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_without_TLS_is_guessed()
    {
        await using var plain = await StubServer.StartAsync();
        Assert.Contains("does it speak TLS, or is it an http:// server?", await ReasonOfAsync(new Uri($"https://127.0.0.1:{plain.Port}"), CaFile), StringComparison.Ordinal);
    }

    [Fact]
    public void A_CA_file_without_a_certificate_is_refused()
    {
        Assert.Null(new ServerTrust(null).Fault());
        Assert.Null(new ServerTrust(CaFile).Fault());
        Assert.StartsWith("it cannot be read (", new ServerTrust("/nowhere.pem").Fault(), StringComparison.Ordinal);
        File.WriteAllText(CaFile, _authority.RootPem[..100]);
        Assert.StartsWith("expected a PEM file with the certificate of the CA", new ServerTrust(CaFile).Fault(), StringComparison.Ordinal);
    }

    private static async Task<string> ReasonAsync((string Certificate, string Key) pair, string? caFile)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(pair.Certificate);
        var context = SslStreamCertificateContext.Create(X509Certificate2.CreateFromPem(pair.Certificate, pair.Key), [.. chain.Skip(1)], offline: true);
        using var stop = new CancellationTokenSource();
        var serving = ServeAsync();
        try
        {
            return await ReasonOfAsync(new Uri($"https://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}"), caFile);
        }
        finally
        {
            await stop.CancelAsync();
            await serving;
        }

        async Task ServeAsync()
        {
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    using var client = await listener.AcceptTcpClientAsync(stop.Token);
                    await using var tls = new SslStream(client.GetStream());
                    await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = context, ApplicationProtocols = [SslApplicationProtocol.Http2] }, stop.Token);
                    _ = await tls.ReadAsync(new byte[1000], stop.Token);
                }
                catch (Exception e) when (e is IOException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
                {
                    // The agent has refused the certificate, or the test is over.
                }
            }
        }
    }

    /// <summary>The first line of the agent's log about the server.</summary>
    private static async Task<string> ReasonOfAsync(Uri server, string? caFile)
    {
        using var log = new Lines();
        using var loggers = LoggerFactory.Create(logging => logging.AddProvider(log));
        using var stop = new CancellationTokenSource();
        await using var dataplane = new MemoryDataplane();
        using var prober = new NetworkProber();
        var options = new AgentCommand.Run([server], "compute1", IPAddress.Parse("172.27.115.242"), null, null, "cn2", CaFile: caFile);
        await using var agent = new VRouterAgent(options, dataplane, prober, new HealthStore(null, TimeProvider.System), TimeProvider.System, loggers.CreateLogger<VRouterAgent>());
        var running = agent.RunAsync(stop.Token);
        try
        {
            await Eventually.TrueAsync(() => log.Texts.Any(t => t.StartsWith($"Not connected to {server}: ", StringComparison.Ordinal)), "the agent says why");
            return log.Texts.First(t => t.StartsWith("Not connected", StringComparison.Ordinal));
        }
        finally
        {
            await stop.CancelAsync();
            await running;
        }
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        private readonly ConcurrentQueue<string> _texts = new();

        public IReadOnlyCollection<string> Texts => _texts;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => _texts.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
