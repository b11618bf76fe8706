using System.Net.Sockets;
using System.Text;
using CN2.Api.Observability;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CN2.Api.Tests.Observability;

/// <summary>What systemd hears of the server, over a real socket.</summary>
public sealed class ServiceManagerTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new("cn2-notify-");
    private readonly Socket _manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _manager.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_hears_that_the_server_serves_lives_and_stops(bool isAbstract)
    {
        var name = Path.Combine(_directory.Path, "notify");
        _manager.Bind(new UnixDomainSocketEndPoint(isAbstract ? "\0" + name : name));
        using var host = HostWith(new ServiceManagerSocket(isAbstract ? "@" + name : name, TimeSpan.FromMilliseconds(200)));
        await host.StartAsync(Token);
        Assert.Equal(["READY=1", "WATCHDOG=1", "WATCHDOG=1"], [await HeardAsync(), await HeardAsync(), await HeardAsync()]);
        await host.StopAsync(Token);
        var last = await HeardAsync();
        while (last == "WATCHDOG=1") last = await HeardAsync();
        Assert.Equal("STOPPING=1", last);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("/nowhere/notify")]
    public async Task Without_one_the_server_runs_all_the_same(string? path)
    {
        using var host = HostWith(new ServiceManagerSocket(path, TimeSpan.FromSeconds(1)));
        await host.StartAsync(Token);
        Assert.False(host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);
        await host.StopAsync(Token);
    }

    private static IHost HostWith(ServiceManagerSocket socket)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton(socket).AddSingleton(TimeProvider.System).AddHostedService<ServiceManager>();
        return builder.Build();
    }

    private async Task<string> HeardAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(Patience.Seconds(20));
        var buffer = new byte[64];
        return Encoding.ASCII.GetString(buffer, 0, await _manager.ReceiveAsync(buffer, SocketFlags.None, limit.Token));
    }
}
