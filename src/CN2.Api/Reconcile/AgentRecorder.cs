using CN2.Api.Drivers;
using CN2.Api.Options;

namespace CN2.Api.Reconcile;

/// <summary>
/// Writes what agents report to the database, merged, on a task of its own: which agents are connected, how far they are, what their
/// probes found. The loop of this replica learns it from the change feed, like every other replica. Reports may come from any thread.
/// </summary>
internal sealed partial class AgentRecorder(IAgentReportStore store, ControlNodeOptions self, TimeProvider time, ILogger<AgentRecorder> logger) : IReconcileTask
{
    /// <summary>Progress alone (revisions, last seen) is saved at most this often.</summary>
    public static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private readonly WakeUp _wakeUp = new();
    private Reports _waiting = new();

    public void Connected(VRouterHello hello) => Add(r => r.Connections[hello.Name] = hello);

    public void Disconnected(string name) => Add(r => r.Connections[name] = null);

    public void Health(IEnumerable<EndpointHealthReport> reports) => Add(r =>
    {
        foreach (var report in reports) r.Health[(report.Uid, report.VirtualRouter)] = report;
    });

    /// <param name="answered">The agent has acknowledged its whole configuration since it connected.</param>
    public void Progress(VirtualRouterProgress progress, bool atOnce, bool answered)
    {
        lock (_lock)
        {
            _waiting.Progress[progress.Name] = progress;
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
            }
            catch (Exception e) when (!e.IsStop(ct))
            {
                LogRetry(e.Message);
                PutBack(reports);
                await Task.Delay(RetryInterval, time, ct);
            }
        }
    }

    private async Task SaveAsync(Reports reports, CancellationToken ct)
    {
        foreach (var hello in reports.Connections.Values.OfType<VRouterHello>())
        {
            await store.ConnectAsync(hello.Name, hello.Address, hello.Address6, hello.AgentVersion, hello.OverlayEngine, self.Name, time.GetUtcNow(), ct);
        }

        var gone = reports.Connections.Where(c => c.Value is null).Select(c => c.Key).ToList();
        if (gone.Count > 0) await store.DisconnectAsync(self.Name, gone, ct);
        var progress = reports.Progress.Values.Where(p => !gone.Contains(p.Name)).ToList();
        if (progress.Count > 0) await store.SaveAsync(self.Name, progress, reports.Answered, ct);
        if (reports.Health.Count > 0) await store.SaveHealthAsync([.. reports.Health.Values], time.GetUtcNow(), ct);
    }

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
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "What agents report could not be saved yet, trying again: {Reason}")]
    private partial void LogRetry(string reason);

    /// <summary>The newest report of each kind since the last save.</summary>
    private sealed class Reports
    {
        /// <summary>vRouter → its agent's hello, or null when the agent has disconnected.</summary>
        public Dictionary<string, VRouterHello?> Connections { get; } = [];
        public Dictionary<string, VirtualRouterProgress> Progress { get; } = [];
        public HashSet<string> Answered { get; } = [];
        public Dictionary<(Guid Endpoint, string VirtualRouter), EndpointHealthReport> Health { get; } = [];

        public bool IsEmpty => Connections.Count + Progress.Count + Answered.Count + Health.Count == 0;
    }
}
