using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using CN2.Network.Resources;
using CN2.VRouter.Probes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace CN2.VRouter.Tests.Probes;

/// <summary>Real probes of real servers on loopback.</summary>
public sealed class NetworkProberTests : IAsyncLifetime
{
    private readonly NetworkProber _prober = new();
    private readonly TcpListener _hanging = new(IPAddress.Loopback, 0);
    private WebApplication _web = null!;

    private int WebPort => new Uri(_web.Urls.First()).Port;

    public async ValueTask InitializeAsync()
    {
        _hanging.Start(1000);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0", "http://[::1]:0");
        _web = builder.Build();
        _web.MapGet("/", () => "well");
        _web.MapGet("/health", (string? deep) => deep == "1" ? Results.StatusCode(204) : Results.StatusCode(503));
        _web.MapGet("/moved", () => Results.Redirect("/"));
        _web.MapPost("/post", () => "posted");
        _web.MapGet("/endless", async (HttpContext context) =>
        {
            var chunk = new byte[64 * 1024];
            while (!context.RequestAborted.IsCancellationRequested) await context.Response.Body.WriteAsync(chunk, context.RequestAborted);
        });
        await _web.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _prober.Dispose();
        _hanging.Dispose();
        await _web.DisposeAsync();
    }

    [Theory]
    [InlineData("GET", "/", "200-299", true, "HTTP 200")]
    [InlineData("GET", "", "200", true, "HTTP 200")]
    [InlineData("GET", "/health", "200-299", false, "HTTP 503")]
    [InlineData("GET", "/health?deep=1", "200,204", true, "HTTP 204")]
    [InlineData("GET", "health?deep=1", "200-299", true, "HTTP 204")]
    [InlineData("GET", "/health", "200, 500-503", true, "HTTP 503")]
    [InlineData("GET", "/moved", "200-299", false, "HTTP 302")]
    [InlineData("GET", "/moved", "300-302", true, "HTTP 302")]
    [InlineData("POST", "/post", "405", true, "HTTP 405")] // a server of version n-1 may say POST: a probe only reads
    [InlineData("HEAD", "/post", "405", true, "HTTP 405")]
    [InlineData("GET", "/endless", "200-299", true, "HTTP 200")]
    public async Task An_HTTP_probe_uses_method_and_path_and_checks_the_code(string method, string path, string codes, bool success, string message)
    {
        var probe = new V1.Probe
        {
            Uid = WireMapping.Uid(Guid.NewGuid()),
            Address = Wire.Address("192.0.2.1"),
            Port = (uint)WebPort,
            HttpMethod = method,
            UrlPath = path,
            ExpectedCodes = codes,
            TimeoutSeconds = 5,
        };
        Assert.Equal(new ProbeResult(success, message), await AskAsync(WireMapping.Probe(probe) with { Address = IPAddress.Loopback }));
    }

    [Theory]
    [InlineData(MonitorType.HTTP, "HTTP 200")]
    [InlineData(MonitorType.TCP, "connected")]
    [InlineData(MonitorType.PING, "answered")]
    public async Task IPv6_endpoints_are_probed_too(MonitorType type, string message)
    {
        var port = new Uri(_web.Urls.Last()).Port;
        Assert.Equal(new ProbeResult(true, message), await AskAsync(Target(type, port) with { Address = IPAddress.IPv6Loopback }));
    }

    [Fact]
    public async Task A_closed_port_fails_at_once()
    {
        // Bound, so that no other program gets the port meanwhile.
        using var held = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        held.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)held.LocalEndPoint!).Port;
        Assert.Equal(new ProbeResult(false, "Connection refused"), await AskAsync(Target(MonitorType.TCP, port)));
        Assert.False((await AskAsync(Target(MonitorType.HTTP, port))).Success);
    }

    [Fact]
    public async Task Hundreds_of_probes_without_answer_end_after_their_timeout_and_delay_no_other()
    {
        var since = Stopwatch.StartNew();
        var port = ((IPEndPoint)_hanging.LocalEndpoint).Port;
        var hanging = Enumerable.Range(0, 400).Select(_ => AskAsync(Target(MonitorType.HTTP, port) with { Timeout = TimeSpan.FromSeconds(1) })).ToList();
        var well = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => AskAsync(Target(MonitorType.HTTP, WebPort))));
        Assert.All(well, result => Assert.True(result.Success, result.Message));
        Assert.All(await Task.WhenAll(hanging), result => Assert.Equal(new ProbeResult(false, "no answer within 1 s"), result));
        Assert.InRange(since.Elapsed.TotalSeconds, 1, 8);
    }

    [Theory]
    [InlineData(MonitorType.PING)]
    [InlineData(MonitorType.TCP)]
    [InlineData(MonitorType.HTTP)]
    public async Task Hundreds_of_probes_at_once_all_succeed(MonitorType type)
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 500).Select(_ => AskAsync(Target(type, WebPort))));
        Assert.All(results, result => Assert.True(result.Success, result.Message));
    }

    private static ProbeTarget Target(MonitorType type, int port) => new(
        Guid.NewGuid(), IPAddress.Loopback, type, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5), 1, "GET", "/", ExpectedCodes.Default, port, EndpointHealth.Unknown);

    private Task<ProbeResult> AskAsync(ProbeTarget target) => _prober.ProbeAsync(target, TestContext.Current.CancellationToken);
}
