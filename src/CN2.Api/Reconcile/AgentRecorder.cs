using CN2.Api.Data;
using CN2.Api.Drivers;
using CN2.Api.Options;
using CN2.Api.Threading;

namespace CN2.Api.Reconcile;

/// <summary>
/// Writes what agents report to the database, merged, on a task of its own: which agents are connected, how far they are, what their
/// probes found. The loop of this replica learns it from the change feed, like every other replica. Reports may come from any thread.
/// One report that the database does not take is left out, and the others are saved: the stream of an agent whose hello is refused is ended.
/// </summary>
internal sealed partial class AgentRecorder(
    AgentStores stores, AgentRelocation relocation, LoopInbox inbox, ControlNodeOptions self, VRouterOptions options, TimeProvider time,
    ILogger<AgentRecorder> logger)
    : IReconcileTask
{
    /// <summary>Progress alone (revisions, last seen) is saved at most this often, of all agents in one statement.</summary>
    public static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);

    /// <summary>Agents are saved in transactions of so many at most.</summary>
    private const int MostHellos = 500;

    /// <summary>Of those that have no VirtualRouter yet: meanwhile nobody else gives an address to anything.</summary>
    private const int MostNew = 100;

    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private readonly AsyncSignal _wakeUp = new();
    private Reports _waiting = new();

    /// <summary>The agents that are connected here.</summary>
    private readonly Dictionary<string, VRouterHello> _here = [];

    /// <summary>The newest report of each of them. It is saved once more when the agent falls silent: nobody else knows since when.</summary>
    private readonly Dictionary<string, Report> _last = [];

    /// <summary>When it was last looked for agents that have fallen silent.</summary>
    private long _listenedAt;

    /// <summary>When all progress was last taken, also what nobody waits for.</summary>
    private long _tookAllAt;

    /// <summary>When a write failed last.</summary>
    private long? _failedAt;

    /// <summary>vRouters of which something could not be saved: what is said of all agents is not said of them.</summary>
    private readonly HashSet<string> _leftOut = [];

    public void Connected(VRouterHello hello)
    {
        relocation.Connected(hello);
        Add(r =>
        {
            _here[hello.Name] = r.Connections[hello.Name] = hello;
            r.Ends.Remove(hello.Name);
            // The hello is saved as if the agent had been heard: a silence from before it is to be said again.
            if (_last.TryGetValue(hello.Name, out var last)) last.IsSilent = false;
        });
    }

    public void Disconnected(string name)
    {
        relocation.Disconnected(name);
        Add(r => Ended(r, name, vanished: false));
    }

    /// <summary>The node is gone, and the stream of its agent is ended.</summary>
    public void Vanished(string name) => Add(r => Ended(r, name, vanished: true));

    private void Ended(Reports reports, string name, bool vanished)
    {
        _here.Remove(name);
        reports.Connections.Remove(name);
        reports.Progress.Remove(name);
        reports.Answered.Remove(name);
        reports.Urgent.Remove(name);
        _last.Remove(name, out var last);
        reports.Ends[name] = reports.Ends.TryGetValue(name, out var end)
            ? end with { Vanished = end.Vanished || vanished }
            : new End(last?.Progress.Silence ?? TimeSpan.Zero, last?.At ?? time.GetTimestamp(), vanished);
    }

    public void Health(IEnumerable<EndpointHealthReport> reports) => Add(r =>
    {
        foreach (var report in reports) r.Health[(report.Uid, report.VirtualRouter)] = report;
    });

    /// <param name="progress">How far the agent is.</param>
    /// <param name="atOnce">Somebody waits for it. The progress of the others is none the sooner saved by that.</param>
    /// <param name="answered">The agent has acknowledged its whole configuration since it connected.</param>
    public void Progress(VirtualRouterProgress progress, bool atOnce, bool answered)
    {
        lock (_lock)
        {
            if (!_here.ContainsKey(progress.Name)) return; // its stream has ended
            _waiting.Progress[progress.Name] = _last[progress.Name] = new Report(progress, time.GetTimestamp());
            if (answered) _waiting.Answered.Add(progress.Name);
            if (atOnce) _waiting.Urgent.Add(progress.Name);
        }

        if (atOnce) _wakeUp.Set();
    }

    /// <summary>Saves what all agents here have applied, after everything that was reported before.</summary>
    public void Share(AgentsApplied applied, bool atOnce)
    {
        lock (_lock) _waiting.Applied = applied;
        if (atOnce) _wakeUp.Set();
    }

    public async Task RunAsync(CancellationToken ct)
    {
        _tookAllAt = time.GetTimestamp();
        while (true)
        {
            var left = ProgressInterval - time.GetElapsedTime(_tookAllAt);
            if (left > TimeSpan.Zero) await _wakeUp.WaitAsync(left, time, ct);
            var reports = Take();
            if (reports.IsEmpty) continue;
            try
            {
                await SaveAsync(reports, ct);
                relocation.DatabaseAnswers();
            }
            catch (Exception e) when (!e.IsStop(ct))
            {
                _failedAt = time.GetTimestamp();
                PutBack(reports);
                relocation.DatabaseIsAway();
                LogRetry(e.Message);
                await Task.Delay(RetryInterval, time, ct);
            }
        }
    }

    /// <summary>What is saved leaves <paramref name="reports"/>, so that a failure repeats only the rest.</summary>
    private async Task SaveAsync(Reports reports, CancellationToken ct)
    {
        foreach (var hellos in reports.Connections.Values.ToList().Chunk(MostHellos)) await ConnectAsync(hellos, reports, ct);
        await EachAsync(Ends(vanished: true), ends => stores.Reports.VanishAsync(self.Name, ends, ct), e => $"that the node of {e.Name} is gone", ct, e => e.Name);
        await EachAsync(Ends(vanished: false), ends => stores.Reports.DisconnectAsync(self.Name, ends, ct), e => $"that {e.Name} has disconnected", ct, e => e.Name);
        reports.Ends.Clear();

        await EachAsync(
            [.. reports.Progress.Values.Select(p => p.Progress with { Silence = SilenceNow(p.Progress.Silence, p.At) })],
            progress => stores.Reports.SaveAsync(self.Name, progress, reports.Answered, ct), p => $"the progress of {p.Name}", ct, p => p.Name);
        reports.Progress.Clear();
        reports.Answered.Clear();
        await ShareAsync(reports, ct);

        await EachAsync(
            [.. reports.Health.Values], health => stores.Health.SaveAsync(health, time.GetUtcNow(), ct), h => $"the health of endpoint {h.Uid} on {h.VirtualRouter}", ct);
        reports.Health.Clear();

        List<AgentEnd> Ends(bool vanished) => [.. reports.Ends.Where(e => e.Value.Vanished == vanished).Select(e => new AgentEnd(e.Key, SilenceNow(e.Value.Silence, e.Value.At)))];
    }

    /// <summary>
    /// Last of what concerns agents: it is true of each whose row says that it is connected here and has answered. A write that failed may still be carried out, and bring
    /// back the row of an agent that is gone. Until that is over nothing is said of all, and the others read the row of each.
    /// </summary>
    private async Task ShareAsync(Reports reports, CancellationToken ct)
    {
        if (reports.Applied is not { } applied) return;
        if (_failedAt is { } at && time.GetElapsedTime(at) < ReplicaHeartbeat.LateWrites)
        {
            lock (_lock) _waiting.Applied ??= applied;
        }
        else
        {
            await stores.Reports.ShareAsync(_leftOut.Count == 0 ? applied : applied with { Behind = [.. applied.Behind.Union(_leftOut)] }, ct);
        }

        reports.Applied = null;
    }

    /// <summary>How long an agent has been silent that was for so long at that time (<see cref="TimeProvider.GetTimestamp"/>).</summary>
    private TimeSpan SilenceNow(TimeSpan silence, long at) => silence + time.GetElapsedTime(at);

    /// <summary>Saves those that are known and those that are new all at once, and asks about each of the others. What is saved or refused leaves <paramref name="reports"/>.</summary>
    private async Task ConnectAsync(VRouterHello[] hellos, Reports reports, CancellationToken ct)
    {
        var left = await TakeManyAsync(hellos, h => stores.Reports.ConnectKnownAsync(h, self.Name, time.GetUtcNow(), ct), reports);
        foreach (var some in left.Chunk(MostNew))
        {
            foreach (var hello in await TakeManyAsync(some, h => stores.Reports.ConnectNewAsync(h, self.Name, options.MaximumFromAgents, time.GetUtcNow(), ct), reports))
            {
                await ConnectAsync(hello, ct);
                reports.Connections.Remove(hello.Name);
            }
        }
    }

    /// <summary>Saves many at once, and by halves if the database refuses what it is given. Answers which of them are left; the others leave <paramref name="reports"/>.</summary>
    /// <param name="take">Answers which it has saved.</param>
    private async Task<VRouterHello[]> TakeManyAsync(VRouterHello[] hellos, Func<VRouterHello[], Task<IReadOnlyCollection<VRouterHello>>> take, Reports reports)
    {
        if (hellos.Length < 2) return hellos;
        HashSet<VRouterHello> taken;
        try
        {
            taken = [.. await take(hellos)];
        }
        catch (Exception e) when (IsOfTheItem(e))
        {
            var left = new List<VRouterHello>();
            foreach (var half in hellos.Chunk((hellos.Length + 1) / 2)) left.AddRange(await TakeManyAsync(half, take, reports));
            return [.. left];
        }

        foreach (var hello in taken)
        {
            Recorded(hello);
            reports.Connections.Remove(hello.Name);
        }

        return [.. hellos.Where(h => !taken.Contains(h))];
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
        relocation.End(hello, refusal.Answer);
        if (refusal.Reason is AgentRefusalReason.DuplicateAgent or AgentRefusalReason.AddressTaken) await stores.Reports.SaveIntruderAsync(hello, refusal, time.GetUtcNow(), ct);
    }

    /// <summary>Saves all at once; if the database refuses what it is given, by halves, and what it refuses alone is left out.</summary>
    /// <param name="items">What to save.</param>
    /// <param name="save">Saves some of it.</param>
    /// <param name="name">For the log.</param>
    /// <param name="ct">Ends it.</param>
    /// <param name="virtualRouter">The vRouter whose row it is; null: it is not the row of one.</param>
    private async Task EachAsync<T>(List<T> items, Func<List<T>, Task> save, Func<T, string> name, CancellationToken ct, Func<T, string>? virtualRouter = null)
    {
        if (items.Count == 0) return;
        try
        {
            await save(items);
            if (virtualRouter is not null && _leftOut.Count > 0) _leftOut.ExceptWith(items.Select(virtualRouter));
        }
        catch (Exception e) when (IsOfTheItem(e))
        {
            if (items.Count == 1)
            {
                LogLeftOut(name(items[0]), e.Message);
                if (virtualRouter is not null) _leftOut.Add(virtualRouter(items[0]));
                return;
            }

            await EachAsync([.. items.Take(items.Count / 2)], save, name, ct, virtualRouter);
            await EachAsync([.. items.Skip(items.Count / 2)], save, name, ct, virtualRouter);
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
            ReportSilence();
            var taken = _waiting;
            _waiting = new Reports();
            if (time.GetElapsedTime(_tookAllAt) >= ProgressInterval) _tookAllAt = time.GetTimestamp();
            else taken.LeaveTo(_waiting);
            return taken;
        }
    }

    /// <summary>Reports once more what is known of agents that have fallen silent: until then the database takes them for heard.</summary>
    private void ReportSilence()
    {
        if (time.GetElapsedTime(_listenedAt) < ProgressInterval / 2) return;
        _listenedAt = time.GetTimestamp();
        foreach (var (name, last) in _last)
        {
            if (last.IsSilent || SilenceNow(last.Progress.Silence, last.At) < AgentReportStore.HeardWithin) continue;
            last.IsSilent = true;
            _waiting.Progress.TryAdd(name, last);
            _waiting.Urgent.Add(name);
        }
    }

    /// <summary>Newer reports win over those that could not be saved.</summary>
    private void PutBack(Reports reports)
    {
        lock (_lock)
        {
            foreach (var (name, end) in reports.Ends)
            {
                if (_waiting.Connections.ContainsKey(name)) continue;
                _waiting.Ends[name] = end with { Vanished = end.Vanished || _waiting.Ends.GetValueOrDefault(name).Vanished };
            }

            foreach (var (name, hello) in reports.Connections)
            {
                if (!_waiting.Ends.ContainsKey(name)) _waiting.Connections.TryAdd(name, hello);
            }

            foreach (var (name, progress) in reports.Progress)
            {
                if (_here.ContainsKey(name)) _waiting.Progress.TryAdd(name, progress);
            }

            foreach (var (key, report) in reports.Health) _waiting.Health.TryAdd(key, report);
            _waiting.Answered.UnionWith(reports.Answered.Where(_here.ContainsKey));
            _waiting.Urgent.UnionWith(reports.Urgent.Where(_here.ContainsKey));
            _waiting.Applied ??= reports.Applied;
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
        /// <summary>vRouter → its agent's hello; or else it is in <see cref="Ends"/>.</summary>
        public Dictionary<string, VRouterHello> Connections { get; } = [];

        /// <summary>vRouters whose agents have disconnected.</summary>
        public Dictionary<string, End> Ends { get; } = [];

        public Dictionary<string, Report> Progress { get; } = [];
        public HashSet<string> Answered { get; } = [];

        /// <summary>vRouters whose progress somebody waits for.</summary>
        public HashSet<string> Urgent { get; } = [];

        public Dictionary<(Guid Endpoint, string VirtualRouter), EndpointHealthReport> Health { get; } = [];

        /// <summary>Null: nothing new is said of all agents.</summary>
        public AgentsApplied? Applied { get; set; }

        /// <summary>Hands over the progress that nobody waits for.</summary>
        public void LeaveTo(Reports later)
        {
            foreach (var (name, report) in Progress)
            {
                if (Urgent.Contains(name)) continue;
                later.Progress.Add(name, report);
                Progress.Remove(name);
                if (Answered.Remove(name)) later.Answered.Add(name);
            }
        }

        public bool IsEmpty => Connections.Count + Ends.Count + Progress.Count + Answered.Count + Health.Count == 0 && Applied is null;
    }

    /// <param name="At">When it was reported (<see cref="TimeProvider.GetTimestamp"/>): until it is saved, the agent has been silent for longer.</param>
    private sealed record Report(VirtualRouterProgress Progress, long At)
    {
        /// <summary>That nothing was heard of the agent since was reported.</summary>
        public bool IsSilent { get; set; }
    }

    /// <param name="Silence">How long ago the last message had come from the agent.</param>
    /// <param name="At">When it was so (<see cref="TimeProvider.GetTimestamp"/>).</param>
    /// <param name="Vanished">Its node is gone.</param>
    private readonly record struct End(TimeSpan Silence, long At, bool Vanished);
}
