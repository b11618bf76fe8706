using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Options;
using CN2.Api.Threading;

namespace CN2.Api.Reconcile;

/// <summary>
/// Writes what agents report to the database, merged, on a task of its own: which agents are connected, how far they are, what their
/// probes found. The loop of this replica learns it from the change feed, like every other replica. Reports may come from any thread.
/// One report that the database does not take is left out, and the others are saved: an agent whose hello is refused is sent away.
/// </summary>
internal sealed partial class AgentRecorder(
    AgentStores stores, IVRouterPublisher publisher, LoopInbox inbox, ControlNodeOptions self, VRouterOptions options, TimeProvider time,
    ILogger<AgentRecorder> logger)
    : IReconcileTask
{
    /// <summary>Progress alone (revisions, last seen) is saved at most this often, of all agents in one statement.</summary>
    public static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);

    /// <summary>Agents that are known are saved in transactions of so many at most.</summary>
    private const int MostHellos = 500;

    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private readonly AsyncSignal _wakeUp = new();
    private Reports _waiting = new();

    /// <summary>Which agents go to other control nodes.</summary>
    public AgentRelocation Relocation { get; } = new(publisher, self, time, logger);

    public void Connected(VRouterHello hello)
    {
        Relocation.Connected(hello);
        Add(r =>
        {
            r.Connections[hello.Name] = hello;
            r.Vanished.Remove(hello.Name);
        });
    }

    public void Disconnected(string name)
    {
        Relocation.Disconnected(name);
        Add(r => r.Connections[name] = null);
    }

    /// <summary>The node is gone, and the stream of its agent is ended.</summary>
    public void Vanished(string name) => Add(r =>
    {
        r.Connections[name] = null;
        r.Vanished.Add(name);
    });

    public void Health(IEnumerable<EndpointHealthReport> reports) => Add(r =>
    {
        foreach (var report in reports) r.Health[(report.Uid, report.VirtualRouter)] = report;
    });

    /// <param name="answered">The agent has acknowledged its whole configuration since it connected.</param>
    public void Progress(VirtualRouterProgress progress, bool atOnce, bool answered)
    {
        lock (_lock)
        {
            _waiting.Progress[progress.Name] = (progress, time.GetTimestamp());
            if (answered) _waiting.Answered.Add(progress.Name);
        }

        if (atOnce) _wakeUp.Set();
    }

    public async Task RunAsync(CancellationToken ct)
    {
        while (true)
        {
            await _wakeUp.WaitAsync(ProgressInterval, time, ct);
            var reports = Take();
            if (reports.IsEmpty) continue;
            try
            {
                await SaveAsync(reports, ct);
                Relocation.DatabaseAnswers();
            }
            catch (Exception e) when (!e.IsStop(ct))
            {
                LogRetry(e.Message);
                PutBack(reports);
                Relocation.DatabaseIsAway();
                await Task.Delay(RetryInterval, time, ct);
            }
        }
    }

    /// <summary>What is saved leaves <paramref name="reports"/>, so that a failure repeats only the rest.</summary>
    private async Task SaveAsync(Reports reports, CancellationToken ct)
    {
        var gone = reports.Connections.Where(c => c.Value is null).Select(c => c.Key).ToList();
        foreach (var hellos in reports.Connections.Values.OfType<VRouterHello>().ToList().Chunk(MostHellos)) await ConnectAsync(hellos, reports, ct);
        await EachAsync([.. reports.Vanished], names => stores.Reports.VanishAsync(self.Name, names, ct), n => $"that the node of {n} is gone", ct);
        await EachAsync([.. gone.Except(reports.Vanished)], names => stores.Reports.DisconnectAsync(self.Name, names, ct), n => $"that {n} has disconnected", ct);
        foreach (var name in gone) reports.Connections.Remove(name);
        reports.Vanished.Clear();

        await EachAsync(
            [.. reports.Progress.Values.Where(p => !gone.Contains(p.Progress.Name)).Select(p => p.Progress with { Silence = p.Progress.Silence + time.GetElapsedTime(p.At) })],
            progress => stores.Reports.SaveAsync(self.Name, progress, reports.Answered, ct), p => $"the progress of {p.Name}", ct);
        reports.Progress.Clear();
        reports.Answered.Clear();

        await EachAsync(
            [.. reports.Health.Values], health => stores.Health.SaveAsync(health, time.GetUtcNow(), ct), h => $"the health of endpoint {h.Uid} on {h.VirtualRouter}", ct);
        reports.Health.Clear();
    }

    /// <summary>Saves those that are known all at once, and asks about each of the others. What is saved or sent away leaves <paramref name="reports"/>.</summary>
    private async Task ConnectAsync(VRouterHello[] hellos, Reports reports, CancellationToken ct)
    {
        HashSet<VRouterHello> known = [];
        if (hellos.Length > 1)
        {
            try
            {
                known.UnionWith(await stores.Reports.ConnectKnownAsync(hellos, self.Name, time.GetUtcNow(), ct));
            }
            catch (Exception e) when (IsOfTheItem(e))
            {
                foreach (var half in hellos.Chunk((hellos.Length + 1) / 2)) await ConnectAsync(half, reports, ct);
                return;
            }
        }

        foreach (var hello in known)
        {
            Recorded(hello);
            reports.Connections.Remove(hello.Name);
        }

        foreach (var hello in hellos.Where(h => !known.Contains(h)))
        {
            await ConnectAsync(hello, ct);
            reports.Connections.Remove(hello.Name);
        }
    }

    private void Recorded(VRouterHello hello) => inbox.Post(new AgentEvent.Recorded(hello));

    private async Task ConnectAsync(VRouterHello hello, CancellationToken ct)
    {
        AgentRefusal? refusal;
        try
        {
            refusal = await stores.Reports.ConnectAsync(hello, self.Name, options.MaximumFromAgents, time.GetUtcNow(), ct);
        }
        catch (Exception e) when (IsOfTheItem(e))
        {
            refusal = new AgentRefusal(AgentRefusalReason.Unstorable, $"the database takes no such agent: {e.Message}");
        }

        if (refusal is null)
        {
            Recorded(hello);
            return;
        }

        LogSentAway(hello.Name, hello.Source, refusal.Message);
        publisher.End(hello, refusal.Answer);
        if (refusal.Reason is AgentRefusalReason.DuplicateAgent or AgentRefusalReason.AddressTaken) await stores.Reports.SaveIntruderAsync(hello, refusal, time.GetUtcNow(), ct);
    }

    /// <summary>Saves all at once; if the database refuses what it is given, by halves, and what it refuses alone is left out.</summary>
    private async Task EachAsync<T>(List<T> items, Func<List<T>, Task> save, Func<T, string> name, CancellationToken ct)
    {
        if (items.Count == 0) return;
        try
        {
            await save(items);
        }
        catch (Exception e) when (IsOfTheItem(e))
        {
            if (items.Count == 1)
            {
                LogLeftOut(name(items[0]), e.Message);
                return;
            }

            await EachAsync([.. items.Take(items.Count / 2)], save, name, ct);
            await EachAsync([.. items.Skip(items.Count / 2)], save, name, ct);
        }
    }

    /// <summary>The values are to blame (class 22: data; 23: constraints; 54: too large), so the same call fails again. Anything else is repeated.</summary>
    private static bool IsOfTheItem(Exception e) => PostgresErrors.Find(e) is { } pg
        ? pg.SqlState[..2] is "22" or "23" or "54"
        : e is ArgumentException or FormatException or OverflowException;

    private void Add(Action<Reports> add)
    {
        lock (_lock) add(_waiting);
        _wakeUp.Set();
    }

    private Reports Take()
    {
        lock (_lock)
        {
            var taken = _waiting;
            _waiting = new Reports();
            return taken;
        }
    }

    /// <summary>Newer reports win over those that could not be saved.</summary>
    private void PutBack(Reports reports)
    {
        lock (_lock)
        {
            foreach (var (name, hello) in reports.Connections) _waiting.Connections.TryAdd(name, hello);
            foreach (var (name, progress) in reports.Progress) _waiting.Progress.TryAdd(name, progress);
            foreach (var (key, report) in reports.Health) _waiting.Health.TryAdd(key, report);
            _waiting.Answered.UnionWith(reports.Answered);
            _waiting.Vanished.UnionWith(reports.Vanished.Where(n => _waiting.Connections.GetValueOrDefault(n) is null));
        }
    }

    [LoggerMessage(EventId = 206, Level = LogLevel.Error, Message = "The agent {Name} at {Source} is sent away: {Reason}")]
    private partial void LogSentAway(string name, System.Net.IPAddress? source, string reason);

    [LoggerMessage(EventId = 208, Level = LogLevel.Error, Message = "The database does not take {What}, and it is left out: {Reason}")]
    private partial void LogLeftOut(string what, string reason);

    [LoggerMessage(EventId = 209, Level = LogLevel.Warning, Message = "What agents report could not be saved yet, trying again: {Reason}")]
    private partial void LogRetry(string reason);

    /// <summary>The newest report of each kind since the last save.</summary>
    private sealed class Reports
    {
        /// <summary>vRouter → its agent's hello, or null when the agent has disconnected.</summary>
        public Dictionary<string, VRouterHello?> Connections { get; } = [];

        /// <summary>Of those that have disconnected, the ones whose nodes are gone.</summary>
        public HashSet<string> Vanished { get; } = [];

        /// <summary>With the <see cref="TimeProvider.GetTimestamp"/> of the report: until it is saved, the agent has been silent for longer.</summary>
        public Dictionary<string, (VirtualRouterProgress Progress, long At)> Progress { get; } = [];
        public HashSet<string> Answered { get; } = [];
        public Dictionary<(Guid Endpoint, string VirtualRouter), EndpointHealthReport> Health { get; } = [];

        public bool IsEmpty => Connections.Count + Progress.Count + Answered.Count + Health.Count == 0;
    }
}
