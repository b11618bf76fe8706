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
    public void What_an_earlier_life_found_and_the_server_never_heard_is_told_at_start()
    {
        _store.Set(Target, EndpointHealth.Healthy);
        Set(Target);
        Assert.Equal(EndpointHealth.Healthy, Told()?.Health);
    }

    [Fact]
    public void What_the_server_has_forgotten_is_told_when_it_sends_the_probe_again()
    {
        Set(Target);
        Assert.Equal(EndpointHealth.Unhealthy, Told()?.Health); // the last word, whatever an earlier probe has told that is still on its way
        Set(Target);
        Assert.Null(Told()); // the server knows

        Set(Target with { LastKnown = EndpointHealth.Unknown });
        Assert.Equal(EndpointHealth.Unhealthy, Told()?.Health);
    }

    [Fact]
    public async Task A_probe_asked_more_often_goes_on_from_what_was_found_and_tells_a_server_that_has_not_heard()
    {
        _prober.Answers = _ => Task.FromResult(true);
        Set(Quick);
        Assert.Equal(EndpointHealth.Healthy, (await NextAsync()).Health);
        _prober.Answers = _ => Never();
        // Sent before the report arrived there.
        Set(Quick with { MaxRetries = 1, LastKnown = EndpointHealth.Unhealthy });
        Assert.Equal(EndpointHealth.Healthy, Told()?.Health);
        Assert.Equal(EndpointHealth.Healthy, Assert.Single(_engine.Known()).Health);
    }

    [Fact]
    public async Task A_probe_that_asks_something_else_starts_from_what_the_server_knows()
    {
        _prober.Answers = _ => Task.FromResult(true);
        Set(Quick);
        await NextAsync();
        _prober.Answers = _ => Never();
        Set(Quick with { Port = 81, LastKnown = EndpointHealth.Unhealthy });
        Assert.Equal(EndpointHealth.Unhealthy, Assert.Single(_engine.Known()).Health);
    }

    [Fact]
    public async Task An_answer_after_the_probe_was_taken_back_is_nobodys()
    {
        var answer = new TaskCompletionSource<bool>();
        var asked = new TaskCompletionSource();
        _prober.Answers = _ =>
        {
            asked.TrySetResult();
            return answer.Task;
        };
        var late = Quick with { Port = LatePort };
        // Without a context of the test's: what follows the answer has happened when it is given.
        await Task.Run(() => Set(late), TestContext.Current.CancellationToken);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
        _engine.Set(new Dictionary<Guid, ProbeTarget>());
        await Task.Run(() => answer.SetResult(true), TestContext.Current.CancellationToken);
        await _engine.DisposeAsync();
        Assert.Null(_store.Find(late));
        Assert.Null(Told());
    }

    [Fact]
    public async Task Endpoints_that_hang_delay_no_other()
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
        var well = Enumerable.Range(0, 500).Select(_ => Quick with { Uid = Guid.CreateVersion7() }).ToList();
        _engine.Set(hanging.Concat(well).ToDictionary(t => t.Uid));
        var told = new HashSet<Guid>();
        while (told.Count < well.Count) told.Add((await NextAsync()).Uid);
        Assert.Equal(well.Select(t => t.Uid).Order(), told.Order());
        // Each again and again, however many hang.
        Assert.True(five.Wait(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _store.Dispose();
    }

    private static Task<bool> Never() => new TaskCompletionSource<bool>().Task;

    private void Set(ProbeTarget target) => _engine.Set(new Dictionary<Guid, ProbeTarget> { [target.Uid] = target });

    private ProbeReport? Told() => _reports.Reader.TryRead(out var report) ? report : null;

    private async Task<ProbeReport> NextAsync() =>
        await _reports.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

    private sealed class Scripted : IProber
    {
        public Func<ProbeTarget, Task<bool>> Answers { get; set; } = _ => Never();

        public async Task<ProbeResult> ProbeAsync(ProbeTarget target, CancellationToken cancellation)
        {
            var answer = Answers(target);
            // The late answer of a test comes although nobody waits any more.
            if (target.Port != LatePort) await answer.WaitAsync(cancellation);
            return new ProbeResult(await answer, "scripted");
        }
    }
}
