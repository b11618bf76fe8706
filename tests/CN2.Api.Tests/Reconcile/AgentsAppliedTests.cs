using System.Collections.Concurrent;
using System.Net;
using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Reconcile;
using CN2.Network.Sequencing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.Reconcile;

/// <summary>What the agents here have acknowledged, as the other replicas are told it: all agents in one row, and one agent by its own row where a route may wait for it.</summary>
public sealed class AgentsAppliedTests : IAsyncDisposable
{
    private const int Agents = 100;
    private static readonly Guid Epoch = Guid.NewGuid();
    private static readonly ConcurrentDictionary<ulong, FeedPosition> Positions = new();
    private readonly RecordedReports _store = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly LoopParts _parts;
    private Task _run = Task.CompletedTask;
    private int _addresses;

    public AgentsAppliedTests()
    {
        _parts = new LoopParts(replace: services => services.AddSingleton<IAgentReportStore>(_store));
        _parts.TakeOthers(any: true);
        // An agent that comes waits for a reading of the change feed while there are others.
        _parts.State.FeedReadAt = DateTimeOffset.MaxValue;
    }

    private VirtualRouterLedger Ledger => _parts.State.Ledger;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run.ContinueWith(_ => { }, TaskScheduler.Default);
        await _parts.DisposeAsync();
        _stop.Dispose();
    }

    [Fact]
    public async Task What_all_agents_acknowledge_costs_one_row_however_many_they_are()
    {
        await AnswerAsync(Agents);
        ChangeForAll(20);
        foreach (var account in Ledger.Accounts) Acknowledge(account.Name);
        await UntilToldAsync(At(20));
        Assert.Empty(_store.Saved);
        Assert.Empty(_store.Applied!.Behind);

        // The rows of the agents are for users, and for control nodes of the version before.
        _parts.Time.Advance(AgentRecorder.ProgressInterval);
        await Eventually.TrueAsync(() => _store.Saved.Count == Agents);
    }

    [Fact]
    public async Task Nobody_is_told_before_the_last_agent_has_acknowledged()
    {
        await AnswerAsync(3);
        ChangeForAll(20);
        Acknowledge("node0");
        Acknowledge("node1");
        await LetPassAsync();
        Assert.Equal(At(10), _store.Applied?.Position);
        Acknowledge("node2");
        await UntilToldAsync(At(20));
    }

    [Fact]
    public async Task Who_has_left_is_waited_for_no_more()
    {
        await AnswerAsync(3);
        ChangeForAll(20);
        Acknowledge("node0");
        Acknowledge("node1");
        await LetPassAsync();
        Handle(new AgentEvent.Disconnected("node2"));
        Share();
        await Eventually.TrueAsync(() => _store.Applied?.Position == At(20));
    }

    [Fact]
    public async Task An_agent_that_is_slow_is_named_and_holds_up_nobody()
    {
        await AnswerAsync(3);
        ChangeForAll(20);
        Acknowledge("node0");
        Acknowledge("node1");
        var next = Share();
        Assert.Equal(_parts.Now + AgentProgress.Patience, next.At);
        _parts.Time.Advance(AgentProgress.Patience);
        await UntilToldAsync(At(20), "node2");
        Acknowledge("node2");
        await UntilToldAsync(At(20));
    }

    [Fact]
    public async Task When_many_are_slow_all_are_as_far_as_the_last_of_them()
    {
        await AnswerAsync(AgentProgress.MostBehind + 2);
        ChangeForAll(20);
        Acknowledge("node0");
        ChangeForAll(30);
        _parts.Time.Advance(AgentProgress.Patience);
        await LetPassAsync();
        Assert.Equal(At(10), _store.Applied?.Position);
        foreach (var account in Ledger.Accounts) Acknowledge(account.Name);
        await UntilToldAsync(At(30));
    }

    [Fact]
    public async Task The_row_of_an_agent_is_written_at_once_when_it_has_acknowledged_what_concerns_it_alone()
    {
        await AnswerAsync(Agents);
        Read(20);
        _parts.State.Sequencer.Set(Sample.Uid(4001), Compiled.With(Sample.Uid(4001), Sample.Route(1, "node7")), _parts.Now);
        _parts.Get<VRouterDispatcher>().Flush();
        Acknowledge("node7");
        await Eventually.TrueAsync(() => _store.Saved.Any(p => p.Applied == At(20)));
        Assert.Equal(["node7"], _store.Saved.Select(p => p.Name).Distinct());
    }

    [Fact]
    public async Task And_also_when_what_came_for_all_with_it_is_sent_later()
    {
        await AnswerAsync(Agents);
        ChangeForAll(20); // from now on what is for all waits for its turn
        foreach (var account in Ledger.Accounts) Acknowledge(account.Name);
        await UntilToldAsync(At(20));
        Read(30);
        _parts.Get<VRouterDispatcher>().Hold(Sample.Uid(++_addresses), Sample.AddressOf(_addresses));
        _parts.State.Sequencer.Set(Sample.Uid(4001), Compiled.With(Sample.Uid(4001), Sample.Route(1, "node7")), _parts.Now);
        var later = _parts.Get<VRouterDispatcher>().Flush();
        Acknowledge("node7");
        await LetPassAsync();
        Assert.DoesNotContain(_store.Saved, p => p.Applied == At(30));
        _parts.Time.Advance(later!.Value - _parts.Now);
        _parts.Get<VRouterDispatcher>().Flush();
        Acknowledge("node7");
        await Eventually.TrueAsync(() => _store.Saved.Any(p => p.Applied == At(30)));
        Assert.Equal(["node7"], _store.Saved.Select(p => p.Name).Distinct());
    }

    [Fact]
    public async Task What_an_agent_refuses_is_saved_before_it_counts_as_one_of_all()
    {
        await AnswerAsync(3);
        ChangeForAll(20);
        Acknowledge("node0");
        Acknowledge("node1", new VRouterRefusal(new VirtualRouterItem.FloatingIP(Sample.AddressOf(1)), "no"));
        Acknowledge("node2");
        await UntilToldAsync(At(20));
        Assert.NotNull(_store.Saved.Single(p => p.Name == "node1").Refused);
        Assert.Equal(["saved", "told"], _store.Order.ToArray()[^2..]);
    }

    [Fact]
    public async Task An_agent_that_is_back_and_not_known_to_the_database_is_named()
    {
        await AnswerAsync(2);
        Connect("node1");
        ChangeForAll(20);
        Acknowledge("node0");
        await UntilToldAsync(At(20), "node1");
    }

    [Fact]
    public async Task After_a_write_that_failed_and_may_still_be_carried_out_nothing_is_said_of_all()
    {
        await AnswerAsync(2);
        ChangeForAll(20);
        _store.IsAway = true;
        foreach (var account in Ledger.Accounts) Acknowledge(account.Name);
        Share();
        await Eventually.TrueAsync(() => _parts.Log.Lines.Any(l => l.Text.Contains("could not be saved yet", StringComparison.Ordinal)));
        _store.IsAway = false;
        await Eventually.TrueAsync(() =>
        {
            _parts.Time.Advance(TimeSpan.FromMilliseconds(100)); // the recorder may begin to wait only now
            return _store.Saved.Any(p => p.Applied == At(20));
        });
        await LetPassAsync();
        Assert.Equal(At(10), _store.Applied?.Position);
        _parts.Time.Advance(ReplicaHeartbeat.LateWrites);
        await UntilToldAsync(At(20));
    }

    [Fact]
    public async Task It_is_not_said_of_an_agent_whose_row_the_database_does_not_take()
    {
        await AnswerAsync(3);
        ChangeForAll(20);
        _store.Refuses = "node1";
        foreach (var account in Ledger.Accounts) Acknowledge(account.Name);
        _parts.Time.Advance(AgentRecorder.ProgressInterval);
        await UntilToldAsync(At(20), "node1");
    }

    [Fact]
    public async Task A_replica_that_is_alone_tells_nobody()
    {
        _parts.TakeOthers(any: false);
        StartAndConnect(2);
        foreach (var account in Ledger.Accounts) Acknowledge(account.Name);
        Share();
        await Eventually.TrueAsync(() => _store.Saved.Count == 2);
        Assert.Null(_store.Applied);
    }

    [Fact]
    public void It_counts_of_each_agent_that_is_there_and_has_answered_and_is_not_behind()
    {
        Read(10);
        var resources = _parts.Get<ResourceChanges>();
        string[] names = ["compute1", "compute2", "compute3", "compute4", "compute5"];
        resources.Put(Sample.Router("compute1") with { ControlNode = "cn-b", Applied = At(10) });
        resources.Put(Sample.Router("compute2") with { ControlNode = "cn-b", Applied = At(10) });
        resources.Put(Sample.Router("compute3") with { ControlNode = "cn-b" });
        resources.Put(Sample.Router("compute4") with { ControlNode = "cn-c", Applied = At(10) });
        resources.Put(Sample.Router("compute5") with { ControlNode = "cn-b", Applied = At(10), Connected = false });
        var first = Ledger.Feed.Last;
        Read(20);
        resources.Put(new AgentsApplied("cn-b", At(20), ["compute2"]));
        Assert.Equal([Ledger.Feed.Last, first, 0, first, first], names.Select(n => Ledger.Open(n).RemoteReading));

        // Its own row is older, and takes nothing back; a new connection does, and one to another control node.
        resources.Put(Sample.Router("compute1") with { ControlNode = "cn-b", Applied = At(10) });
        Assert.Equal(Ledger.Feed.Last, Ledger.Open("compute1").RemoteReading);
        resources.Put(Sample.Router("compute1") with { ControlNode = "cn-b" });
        Assert.Equal(0, Ledger.Open("compute1").RemoteReading);
        resources.Put(Sample.Router("compute1") with { ControlNode = "cn-c", Applied = At(10) });
        Assert.Equal(first, Ledger.Open("compute1").RemoteReading);
    }

    [Fact]
    public void What_was_not_read_here_or_is_of_this_replica_counts_for_nothing()
    {
        Read(10);
        var resources = _parts.Get<ResourceChanges>();
        resources.Put(Sample.Router("compute1") with { ControlNode = "cn-b", Applied = At(10) });
        var reading = Ledger.Feed.Last;
        resources.Put(new AgentsApplied("cn-b", At(20), []));
        Assert.Equal(reading, Ledger.Open("compute1").RemoteReading);
        Read(30);
        resources.Put(new AgentsApplied("cn-a", At(30), []));
        Assert.Equal(reading, Ledger.Open("compute1").RemoteReading);
    }

    private static FeedPosition At(ulong xmax) => Positions.GetOrAdd(xmax, x => new FeedPosition(Epoch, new FeedSnapshot(x, [])));

    /// <summary>So many agents have answered, and the others know it.</summary>
    private async Task AnswerAsync(int agents)
    {
        StartAndConnect(agents);
        await Eventually.TrueAsync(() =>
        {
            foreach (var recorded in _parts.TakeEvents().OfType<AgentEvent>()) Handle(recorded);
            return Ledger.Accounts.All(a => a.Recorded);
        });
        foreach (var account in Ledger.Accounts) Acknowledge(account.Name);
        await UntilToldAsync(At(10));
        await Eventually.TrueAsync(() => _store.Saved.Select(p => p.Name).Distinct().Count() == agents);
        _parts.Time.Advance(AgentRecorder.ProgressInterval);
        await LetPassAsync();
        _store.Saved.Clear();
    }

    private void StartAndConnect(int agents)
    {
        Read(10);
        for (var i = 0; i < agents; i++) Connect($"node{i}");
        _parts.Get<VRouterDispatcher>().Flush();
        _run = _parts.Get<AgentRecorder>().RunAsync(_stop.Token);
    }

    private void Connect(string name) => Handle(new AgentEvent.Connected(new VRouterHello(name, new IPAddress([172, 28, 1, byte.Parse(name[4..], System.Globalization.CultureInfo.InvariantCulture)]), null, "1.0")));

    private void Read(ulong xmax)
    {
        if (Ledger.Feed.Last == 0) Ledger.Feed.ReadAll(At(xmax), []);
        else Ledger.Feed.Read(At(xmax).Seen, [xmax - 1], more: false);
        Ledger.Position = At(xmax);
    }

    private void ChangeForAll(ulong xmax)
    {
        Read(xmax);
        _parts.Time.Advance(TimeSpan.FromMilliseconds(100));
        _parts.Get<VRouterDispatcher>().Hold(Sample.Uid(++_addresses), Sample.AddressOf(_addresses));
        Assert.Null(_parts.Get<VRouterDispatcher>().Flush());
    }

    private void Acknowledge(string name, params VRouterRefusal[] refused) => Handle(new AgentEvent.Applied(name, Ledger.Open(name).LastRevision, null, refused));

    private void Handle(AgentEvent agentEvent) => _parts.Get<AgentEventHandler>().Handle(agentEvent);

    private NextTick Share()
    {
        var next = new NextTick();
        _parts.Get<AgentProgress>().ShareWithOthers(next);
        return next;
    }

    /// <summary>Rounds of the loop, between which little time passes, until the others are told this.</summary>
    private Task UntilToldAsync(FeedPosition position, params string[] behind) => Eventually.TrueAsync(() =>
    {
        _parts.Time.Advance(TimeSpan.FromMilliseconds(1));
        Share();
        return _store.Applied is { } told && told.Position == position && told.Behind.Order().SequenceEqual(behind);
    });

    /// <summary>The recorder has nothing more to do.</summary>
    private async Task LetPassAsync()
    {
        Share();
        var before = _store.Order.Count;
        await Task.Delay(100, TestContext.Current.CancellationToken);
        if (_store.Order.Count != before) await LetPassAsync();
    }

    /// <summary>A database that takes what it is told to take.</summary>
    private sealed class RecordedReports : TakenReports
    {
        public ConcurrentQueue<VirtualRouterProgress> Saved { get; } = new();

        public volatile AgentsApplied? Applied;

        public ConcurrentQueue<string> Order { get; } = new();

        public volatile bool IsAway;

        /// <summary>The vRouter whose progress is not taken.</summary>
        public volatile string? Refuses;

        public override Task SaveAsync(string controlNode, IReadOnlyCollection<VirtualRouterProgress> progress, IReadOnlyCollection<string> answered, CancellationToken ct)
        {
            if (IsAway) throw new NpgsqlException("The connection with the database is lost.");
            if (progress.Any(p => p.Name == Refuses)) throw new PostgresException("no", "ERROR", "ERROR", PostgresErrorCodes.InvalidTextRepresentation);
            foreach (var report in progress) Saved.Enqueue(report);
            Order.Enqueue("saved");
            return Task.CompletedTask;
        }

        public override Task ShareAsync(AgentsApplied applied, CancellationToken ct)
        {
            if (IsAway) throw new NpgsqlException("The connection with the database is lost.");
            Order.Enqueue("told");
            Applied = applied;
            return Task.CompletedTask;
        }
    }
}
