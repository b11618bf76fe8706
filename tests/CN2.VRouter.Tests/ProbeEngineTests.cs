using System.Net;
using CN2.Network.Resources;
using CN2.VRouter.Probes;

namespace CN2.VRouter.Tests;

public sealed class ProbeEngineTests : IAsyncDisposable
{
    private static readonly ProbeTarget Target = new(
        Guid.CreateVersion7(), IPAddress.Loopback, MonitorType.TCP, TimeSpan.FromHours(1), TimeSpan.FromSeconds(1), 3, "GET", "/", [], 80, EndpointHealth.Unhealthy);

    private readonly HealthStore _store = new(null, TimeProvider.System);
    private readonly List<ProbeReport> _reports = [];
    private readonly ProbeEngine _engine;

    public ProbeEngineTests() => _engine = new ProbeEngine(new Silent(), _store, TimeProvider.System, _reports.Add);

    [Fact]
    public void What_an_earlier_life_found_and_the_server_never_heard_is_told_at_start()
    {
        _store.Set(Target, EndpointHealth.Healthy);
        Set(Target);
        Assert.Equal(EndpointHealth.Healthy, Assert.Single(_reports).Health);
    }

    [Fact]
    public void What_the_server_has_forgotten_is_told_when_it_sends_the_probe_again()
    {
        Set(Target);
        Set(Target);
        Assert.Empty(_reports); // the server knows

        Set(Target with { LastKnown = EndpointHealth.Unknown });
        Assert.Equal(EndpointHealth.Unhealthy, Assert.Single(_reports).Health);
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _store.Dispose();
    }

    private void Set(ProbeTarget target) => _engine.Set(new Dictionary<Guid, ProbeTarget> { [target.Uid] = target });

    private sealed class Silent : IProber
    {
        public Task<ProbeResult> ProbeAsync(ProbeTarget target, CancellationToken cancellation) =>
            Task.Delay(Timeout.Infinite, cancellation).ContinueWith(_ => new ProbeResult(false, ""), TaskScheduler.Default);
    }
}
