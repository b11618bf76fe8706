using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using CN2.Network.Resources;
using CN2.VRouter.Probes;

namespace CN2.VRouter.Tests.Probes;

public sealed class ProbeEngineTests : IAsyncDisposable
{
    private static readonly ProbeTarget Target = new(
        Guid.CreateVersion7(), IPAddress.Loopback, MonitorType.TCP, TimeSpan.FromHours(1), TimeSpan.FromSeconds(1), 3, "GET", "/", ExpectedCodes.Default, 80, EndpointHealth.Unhealthy);

    private static readonly ProbeTarget Quick = Target with { Delay = TimeSpan.FromMilliseconds(5), LastKnown = EndpointHealth.Unknown };

    private const int LatePort = 99;

    private readonly HealthStore _store = new(null, TimeProvider.System);
    private readonly Channel<ProbeReport> _reports = Channel.CreateUnbounded<ProbeReport>();
    private readonly Scripted _prober = new();
    private readonly ProbeEngine _engine;

    public ProbeEngineTests() => _engine = new ProbeEngine(_prober, _store, TimeProvider.System, report => _reports.Writer.TryWrite(report));

    [Fact]
    public void A_state_from_before_the_restart_is_reported_at_start()
    {
        _store.Set(Target, EndpointHealth.Healthy);
        Set(Target);
        Assert.Equal(EndpointHealth.Healthy, Reported()?.Health);
    }

    [Fact]
    public void States_of_probes_that_went_while_the_agent_was_down_are_forgotten()
    {
        var gone = Target with { Uid = Guid.CreateVersion7() };
        _store.Set(Target, EndpointHealth.Healthy);
        _store.Set(gone, EndpointHealth.Healthy);
        Set(Target);
        Assert.Equal(EndpointHealth.Healthy, _store.Find(Target));
        Assert.Null(_store.Find(gone)); // or the file would grow with every endpoint that was ever here
    }

    [Fact]
    public void A_state_that_the_server_has_forgotten_is_reported_when_it_sends_the_probe_again()
    {
        Set(Target);
        Assert.Equal(EndpointHealth.Unhealthy, Reported()?.Health); // reported even if the server sent it: an earlier report may still be on its way
        Set(Target);
        Assert.Null(Reported()); // the server has the same state

        Set(Target with { LastKnown = EndpointHealth.Unknown });
        Assert.Equal(EndpointHealth.Unhealthy, Reported()?.Health);
    }

    [Fact]
    public async Task A_probe_with_a_new_interval_keeps_its_state_and_reports_it_to_a_server_that_has_another()
    {
        _prober.Answers = _ => Task.FromResult(true);
        Set(Quick);
        Assert.Equal(EndpointHealth.Healthy, (await NextAsync()).Health);
        _prober.Answers = _ => Never();
        // The server sent it before the report arrived.
        Set(Quick with { MaxRetries = 1, LastKnown = EndpointHealth.Unhealthy });
        Assert.Equal(EndpointHealth.Healthy, Reported()?.Health);
        Assert.Equal(EndpointHealth.Healthy, Assert.Single(_engine.Known()).Health);
    }

    [Fact]
    public async Task A_probe_of_another_port_starts_from_the_servers_last_known_state()
    {
        _prober.Answers = _ => Task.FromResult(true);
        Set(Quick);
        await NextAsync();
        _prober.Answers = _ => Never();
        Set(Quick with { Port = 81, LastKnown = EndpointHealth.Unhealthy });
        Assert.Equal(EndpointHealth.Unhealthy, Assert.Single(_engine.Known()).Health);
    }

    [Fact]
    public async Task An_answer_after_the_probe_was_removed_is_ignored()
    {
        var answer = new TaskCompletionSource<bool>();
        var asked = new TaskCompletionSource();
        _prober.Answers = _ =>
        {
            asked.TrySetResult();
            return answer.Task;
        };
        var late = Quick with { Port = LatePort };
        // Outside the test's synchronization context, so that the continuation of the answer runs before SetResult returns.
        await Task.Run(() => Set(late), TestContext.Current.CancellationToken);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
        _engine.Set(new Dictionary<Guid, ProbeTarget>());
        await Task.Run(() => answer.SetResult(true), TestContext.Current.CancellationToken);
        await _engine.DisposeAsync();
        Assert.Null(_store.Find(late));
        Assert.Null(Reported());
    }

    [Fact]
    public async Task Endpoints_that_do_not_answer_delay_no_other()
    {
        var asked = new ConcurrentDictionary<Guid, int>();
        var five = new CountdownEvent(500);
        _prober.Answers = target =>
        {
            if (target.Port == 1) return Never();
            if (asked.AddOrUpdate(target.Uid, 1, (_, n) => n + 1) == 5) five.Signal();
            return Task.FromResult(true);
        };
        var hanging = Enumerable.Range(0, 500).Select(_ => Quick with { Uid = Guid.CreateVersion7(), Port = 1 });
        var healthy = Enumerable.Range(0, 500).Select(_ => Quick with { Uid = Guid.CreateVersion7() }).ToList();
        _engine.Set(hanging.Concat(healthy).ToDictionary(t => t.Uid));
        var reported = new HashSet<Guid>();
        while (reported.Count < healthy.Count) reported.Add((await NextAsync()).Uid);
        Assert.Equal(healthy.Select(t => t.Uid).Order(), reported.Order());
        // Every healthy endpoint is probed repeatedly, however many do not answer.
        Assert.True(five.Wait(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _store.Dispose();
    }

    private static Task<bool> Never() => new TaskCompletionSource<bool>().Task;

    private void Set(ProbeTarget target) => _engine.Set(new Dictionary<Guid, ProbeTarget> { [target.Uid] = target });

    private ProbeReport? Reported() => _reports.Reader.TryRead(out var report) ? report : null;

    private async Task<ProbeReport> NextAsync() =>
        await _reports.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

    private sealed class Scripted : IProber
    {
        public Func<ProbeTarget, Task<bool>> Answers { get; set; } = _ => Never();

        public async Task<ProbeResult> ProbeAsync(ProbeTarget target, CancellationToken cancellation)
        {
            var answer = Answers(target);
            // A late answer arrives although the probe was cancelled.
            if (target.Port != LatePort) await answer.WaitAsync(cancellation);
            return new ProbeResult(await answer, "scripted");
        }
    }
}
