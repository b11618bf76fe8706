using System.Threading.Channels;
using CN2.Api.Drivers;

namespace CN2.Api.Reconcile;

/// <summary>
/// Writes what agents report to the database, on a task of its own and coalesced: who is connected, how far it is, what its probes
/// found. The reconciler itself learns of it through the feed, like every other replica.
/// </summary>
public sealed partial class AgentRecorder(AgentReportStore store, string controlNode, TimeProvider time, ILogger<AgentRecorder> logger)
{
    /// <summary>Progress alone (revisions, last seen) is saved at most this often.</summary>
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Dictionary<string, VRouterHello?> _connections = [];
    private readonly Dictionary<string, VirtualRouterProgress> _progress = [];
    private readonly HashSet<string> _answered = [];
    private readonly Dictionary<(Guid, string), EndpointHealthReport> _health = [];

    public void Connected(VRouterHello hello) => Note(() => _connections[hello.Name] = hello);

    public void Disconnected(string name) => Note(() => _connections[name] = null);

    public void Health(IEnumerable<EndpointHealthReport> reports) => Note(() =>
    {
        foreach (var report in reports) _health[(report.Uid, report.VirtualRouter)] = report;
    });

    /// <param name="answered">Its kernel holds the whole configuration since it came (back).</param>
    public void Progress(VirtualRouterProgress progress, bool atOnce, bool answered)
    {
        lock (_lock)
        {
            _progress[progress.Name] = progress;
            if (answered) _answered.Add(progress.Name);
        }

        if (atOnce) _signal.Writer.TryWrite(true);
    }

    public async Task RunAsync(CancellationToken ct)
    {
        while (true)
        {
            using (var limit = CancellationTokenSource.CreateLinkedTokenSource(ct))
            {
                limit.CancelAfter(ProgressInterval);
                try
                {
                    await _signal.Reader.ReadAsync(limit.Token);
                }
                catch (OperationCanceledException) when (!ct.IsCancellationRequested)
                {
                    // Time to save progress.
                }
            }

            await SaveAsync(ct);
        }
    }

    private async Task SaveAsync(CancellationToken ct)
    {
        Dictionary<string, VRouterHello?> connections;
        Dictionary<(Guid, string), EndpointHealthReport> health;
        Dictionary<string, VirtualRouterProgress> progress;
        HashSet<string> answered;
        lock (_lock)
        {
            connections = new(_connections);
            health = new(_health);
            progress = new(_progress);
            answered = [.. _answered];
            _connections.Clear();
            _health.Clear();
            _progress.Clear();
            _answered.Clear();
        }

        if (connections.Count + health.Count + progress.Count + answered.Count == 0) return;
        try
        {
            foreach (var hello in connections.Values.OfType<VRouterHello>())
            {
                await store.ConnectAsync(hello.Name, hello.Address, hello.Address6, hello.AgentVersion, hello.OverlayEngine, controlNode, time.GetUtcNow(), ct);
            }

            var gone = connections.Where(c => c.Value is null).Select(c => c.Key).ToList();
            if (gone.Count > 0) await store.DisconnectAsync(controlNode, gone, ct);
            var there = progress.Values.Where(p => !gone.Contains(p.Name)).ToList();
            if (there.Count > 0) await store.SaveAsync(controlNode, there, answered, ct);
            if (health.Count > 0) await store.SaveHealthAsync([.. health.Values], time.GetUtcNow(), ct);
        }
        catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
        {
            LogRetry(logger, e.Message);
            lock (_lock)
            {
                // Newer notes win over what could not be saved.
                foreach (var (name, hello) in connections) _connections.TryAdd(name, hello);
                foreach (var (name, item) in progress) _progress.TryAdd(name, item);
                foreach (var (key, report) in health) _health.TryAdd(key, report);
                _answered.UnionWith(answered);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(500), time, ct);
        }
    }

    private void Note(Action note)
    {
        lock (_lock) note();
        _signal.Writer.TryWrite(true);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "What agents report could not be saved yet, trying again: {Reason}")]
    private static partial void LogRetry(ILogger logger, string reason);
}
