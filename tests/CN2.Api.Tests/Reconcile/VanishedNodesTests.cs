using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Which nodes that the streams report as gone are believed to be: four of them carry routes, compute1 to compute4.</summary>
public sealed class VanishedNodesTests : IAsyncDisposable
{
    private static readonly string[] Carriers = ["compute1", "compute2", "compute3", "compute4"];
    private readonly RecordedReports _store = new();
    private readonly LoopParts _parts;
    private readonly Dictionary<string, VRouterHello> _hellos;

    public VanishedNodesTests()
    {
        _parts = new LoopParts(replace: services => services.AddSingleton<IAgentReportStore>(_store));
        _hellos = Carriers.Append("compute5").ToDictionary(n => n, n => new VRouterHello(n, IPAddress.Parse($"172.27.115.{n[^1]}"), null, "1.0"));
        foreach (var hello in _hellos.Values) Handle(new AgentEvent.Connected(hello));
        _parts.State.Sequencer.Set(Sample.Uid(4001), Compiled.With(Sample.Uid(4001), [.. Carriers.Select(n => Sample.Route(1, n))]), _parts.Now);
        foreach (var name in Carriers) Compiled.Acknowledge(_parts, name);
        Assert.Equal(Carriers, _parts.State.Sequencer.Carriers.Order());
        _parts.Publisher.Silent.UnionWith(_hellos.Keys);
    }

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Fact]
    public async Task One_that_other_nodes_do_not_reach_is_gone_and_its_stream_is_ended()
    {
        Vanish("compute1", "compute1");
        Assert.Equal(["compute1"], await VanishedAsync());
        Assert.Same(_hellos["compute1"], Assert.Single(_parts.Publisher.Ended).Hello);
    }

    [Fact]
    public async Task Many_silent_at_once_are_no_loss_and_those_without_routes_do_not_count()
    {
        Vanish("compute1", "compute1", "compute2"); // half of four
        Vanish("compute2", "compute1", "compute2");
        Assert.Empty(_parts.Publisher.Ended);
        Assert.Contains(_parts.Log.Lines, l => l.Text.Contains("2 of 4 vRouters with routes are silent at once", StringComparison.Ordinal));
        Vanish("compute1", "compute1", "compute5");
        Assert.Equal(["compute1"], await VanishedAsync());
    }

    [Fact]
    public async Task One_that_was_heard_since_stays()
    {
        _parts.Publisher.Silent.Remove("compute1");
        Vanish("compute1", "compute1");
        Vanish("compute2", "compute2");
        Assert.Equal(["compute2"], await VanishedAsync());
        Assert.Same(_hellos["compute2"], Assert.Single(_parts.Publisher.Ended).Hello);
    }

    [Fact]
    public async Task Where_nobody_could_be_asked_it_is_believed_only_when_no_other_control_node_has_agents()
    {
        _parts.TakeOthers(any: true);
        Vanish("compute1", isWitnessed: false, "compute1");
        Assert.Empty(_parts.Publisher.Ended);
        _parts.TakeOthers(any: false);
        Vanish("compute1", isWitnessed: false, "compute1");
        Assert.Equal(["compute1"], await VanishedAsync());
    }

    [Fact]
    public void A_report_about_silence_is_no_sign_of_life()
    {
        var seen = _parts.State.Ledger.Open("compute1").LastSeenAt;
        _parts.Time.Advance(TimeSpan.FromSeconds(1));
        Vanish("compute1", "compute1", "compute2");
        Assert.Equal(seen, _parts.State.Ledger.Open("compute1").LastSeenAt);
    }

    private void Vanish(string name, params string[] silent) => Vanish(name, isWitnessed: true, silent);

    private void Vanish(string name, bool isWitnessed, params string[] silent) => Handle(new AgentEvent.Vanished(_hellos[name], silent, isWitnessed));

    private void Handle(AgentEvent agentEvent) => _parts.Get<AgentEventHandler>().Handle(agentEvent);

    /// <summary>The nodes that the database is told of first.</summary>
    private async Task<IReadOnlyCollection<string>> VanishedAsync()
    {
        using var stop = new CancellationTokenSource();
        var run = _parts.Get<AgentRecorder>().RunAsync(stop.Token);
        var names = await _store.Vanished.Task.WaitAsync(Patience.Seconds(20), TestContext.Current.CancellationToken);
        await stop.CancelAsync();
        await run.ContinueWith(_ => { }, TaskScheduler.Default);
        return names;
    }

    /// <summary>Remembers which nodes are gone.</summary>
    private sealed class RecordedReports : TakenReports
    {
        public TaskCompletionSource<IReadOnlyCollection<string>> Vanished { get; } = new();

        public override Task VanishAsync(string controlNode, IReadOnlyCollection<AgentEnd> ends, CancellationToken ct)
        {
            Vanished.TrySetResult([.. ends.Select(e => e.Name)]);
            return Task.CompletedTask;
        }
    }
}
