using System.Collections.Concurrent;
using System.Threading.Channels;
using CN2.Api.Drivers;
using CN2.Network.Addressing;
using CN2.Network.Compilation;

namespace CN2.Api.Reconcile;

/// <summary>
/// Carries route changes to the speaker, in order, on a task of its own: an engine or a database that is slow never stops the
/// reconciler. Before a route is told its row stands in <c>advertisement</c>; after the withdrawal is confirmed it goes, or, with
/// other replicas, says so until the entries are gone too.
/// </summary>
public sealed partial class SpeakerWorker(
    IBgpSpeaker speaker, AnnouncementStore store, string controlNode, Func<bool> hasOthers, Action wake, ILogger<SpeakerWorker> logger)
{
    private readonly ConcurrentQueue<RouteJob> _jobs = new();
    private readonly ConcurrentQueue<RouteResult> _results = new();
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private Dictionary<Guid, HashSet<RouteKey>> _rows = [];
    private IReadOnlyCollection<BgpPath>? _found;

    /// <summary>Reads the rows left by an earlier life of this control node, before anything is told; true: it may have announced something.</summary>
    public async Task<bool> LoadAsync(CancellationToken ct)
    {
        _rows = await store.LoadAsync(controlNode, ct);
        return _rows.Values.Any(paths => paths.Count > 0);
    }

    public void Post(RouteJob job)
    {
        _jobs.Enqueue(job);
        _signal.Writer.TryWrite(true);
    }

    public bool TryTake(out RouteResult result) => _results.TryDequeue(out result!);

    /// <summary>The paths the speaker held when it first answered, once; null before and after.</summary>
    public IReadOnlyCollection<BgpPath>? TakeFound() => Interlocked.Exchange(ref _found, null);

    public async Task RunAsync(CancellationToken ct)
    {
        await StartAsync(ct);
        await foreach (var _ in _signal.Reader.ReadAllAsync(ct))
        {
            while (Merge() is { } job) await CarryOutAsync(job, ct);
        }
    }

    private async Task StartAsync(CancellationToken ct)
    {
        while (true)
        {
            try
            {
                _found = await speaker.StartAsync(ct);
                wake();
                return;
            }
            catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
            {
                LogNoSpeaker(logger, e.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), ct);
            }
        }
    }

    /// <summary>All waiting jobs as one: for each FloatingIP and path the last word counts.</summary>
    private MergedJob? Merge()
    {
        var merged = new MergedJob();
        while (_jobs.TryDequeue(out var job))
        {
            merged.Add(job);
        }

        return merged.Any ? merged : null;
    }

    private async Task CarryOutAsync(MergedJob job, CancellationToken ct)
    {
        for (var delay = TimeSpan.FromMilliseconds(100); ; delay = Min(delay * 2, TimeSpan.FromSeconds(2)))
        {
            try
            {
                await TryCarryOutAsync(job, ct);
                return;
            }
            catch (BgpEngineException e) when (!e.IsTransient)
            {
                LogEngineRefused(logger, e.Message);
                return;
            }
            catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
            {
                LogRetry(logger, e, job.Routes.Count);
                await Task.Delay(delay, ct);
                // What was decided meanwhile supersedes what could not be done.
                while (_jobs.TryDequeue(out var later)) job.Add(later);
            }
        }
    }

    private async Task TryCarryOutAsync(MergedJob job, CancellationToken ct)
    {
        if (job.Rewrite) await store.SaveAsync(controlNode, _rows.ToDictionary(r => r.Key, r => (IReadOnlyCollection<RouteKey>?)r.Value), false, ct);
        if (job.Introduce) await store.IntroduceAsync(controlNode, ct);
        var announce = job.Routes.Values.Where(r => r.Announce).Select(r => r.Route).ToList();
        var withdraw = job.Routes.Values.Where(r => !r.Announce).Select(r => r.Route).ToList();
        if (announce.Count > 0)
        {
            var before = new Dictionary<Guid, IReadOnlyCollection<RouteKey>?>();
            foreach (var group in announce.GroupBy(r => r.FloatingIP))
            {
                var known = _rows.GetValueOrDefault(group.Key);
                if (group.All(r => known?.Contains(r.Path) == true)) continue;
                before[group.Key] = [.. (known ?? []).Union(group.Select(r => r.Path))];
            }

            if (before.Count > 0)
            {
                var standing = await store.SaveAsync(controlNode, before, hasOthers(), ct);
                foreach (var (floatingIP, paths) in before)
                {
                    if (standing.Contains(floatingIP)) _rows[floatingIP] = [.. paths!];
                }

                // Deleted meanwhile: nothing may be announced for it.
                announce.RemoveAll(r => before.ContainsKey(r.FloatingIP) && !standing.Contains(r.FloatingIP));
            }
        }

        // Before anything that lets agents have their configuration: routes into the VPNs are part of it.
        if (job.Import is not null) await speaker.SetImportAsync(job.Import, ct);
        IReadOnlyList<RefusedPath> refused = [];
        if (job.Whole)
        {
            refused = await speaker.SetPathsAsync([.. announce.Select(ToPath)], ct);
        }
        else if (announce.Count + withdraw.Count > 0)
        {
            refused = await speaker.ChangePathsAsync([.. announce.Select(ToPath)], [.. withdraw.Select(r => ToPath(r).Key)], ct);
        }

        if (refused.Count > 0)
        {
            foreach (var path in refused) LogPathRefused(logger, path.Key.Prefix.ToString(), path.Key.Path.ToString(), path.Reason);
            var keys = refused.Select(r => r.Key).ToHashSet();
            announce.RemoveAll(r => keys.Contains(ToPath(r).Key));
        }

        _results.Enqueue(new RouteResult(announce, withdraw, job.Whole));
        wake();

        if (job.Peers is not null) await speaker.SetPeersAsync(job.Peers, ct);

        var tellOthers = hasOthers();
        var after = new Dictionary<Guid, IReadOnlyCollection<RouteKey>?>();
        if (job.Whole)
        {
            // Everything else is gone from the speaker: also single paths that an earlier life of this control node announced.
            var announced = announce.ToLookup(r => r.FloatingIP, r => r.Path);
            foreach (var (floatingIP, paths) in _rows)
            {
                if (!paths.SetEquals(announced[floatingIP])) after[floatingIP] = announced.Contains(floatingIP) ? [.. announced[floatingIP].Distinct()] : null;
            }
        }

        foreach (var group in withdraw.GroupBy(r => r.FloatingIP))
        {
            if (after.ContainsKey(group.Key) || !_rows.TryGetValue(group.Key, out var paths)) continue;
            var left = paths.Except(group.Select(r => r.Path)).ToList();
            after[group.Key] = left.Count > 0 || tellOthers ? left : null;
        }

        foreach (var floatingIP in job.Release)
        {
            if (after.TryGetValue(floatingIP, out var left) ? left is { Count: 0 } : _rows.TryGetValue(floatingIP, out var paths) && paths.Count == 0) after[floatingIP] = null;
        }

        if (after.Count == 0) return;
        await store.SaveAsync(controlNode, after, tellOthers, ct);
        foreach (var (floatingIP, paths) in after)
        {
            if (paths is null) _rows.Remove(floatingIP);
            else _rows[floatingIP] = [.. paths];
        }

        wake();
    }

    internal static BgpPath ToPath(FloatingIPRoute route) => new(
        route.Address,
        route.NextHop,
        route.Network.Advertisement.LocalPreference,
        route.Network.Advertisement.Med,
        route.Network.Advertisement.Communities,
        route.Network.Advertisement.LargeCommunities,
        route.RoutingInstance == 0 ? null : new BgpVpn(
            new RouteDistinguisher(route.NextHop, (ushort)route.RoutingInstance), MplsLabel.Of(route.RoutingInstance), route.Network.ExportRouteTargets));

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    [LoggerMessage(Level = LogLevel.Warning, Message = "The BGP engine does not answer yet, trying again: {Reason}")]
    private static partial void LogNoSpeaker(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Routes} route changes could not be carried out yet; trying again")]
    private static partial void LogRetry(ILogger logger, Exception exception, int routes);

    [LoggerMessage(Level = LogLevel.Error, Message = "The BGP engine refused a change; it is not repeated: {Reason}")]
    private static partial void LogEngineRefused(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The path to {Prefix} via {NextHop} cannot be announced: {Reason}")]
    private static partial void LogPathRefused(ILogger logger, string prefix, string nextHop, string reason);

    private sealed class MergedJob
    {
        public bool Any { get; set; }
        public bool Whole { get; set; }
        public IReadOnlyCollection<BgpPeer>? Peers { get; set; }
        public IReadOnlyCollection<RouteTarget>? Import { get; private set; }
        public bool Introduce { get; private set; }
        public bool Rewrite { get; private set; }
        public HashSet<Guid> Release { get; } = [];
        public Dictionary<(Guid, RouteKey), (FloatingIPRoute Route, bool Announce)> Routes { get; } = [];

        public void Add(RouteJob job)
        {
            Any = true;
            Whole |= job.Whole;
            Peers = job.Peers ?? Peers;
            Import = job.Import ?? Import;
            Introduce |= job.Introduce;
            Rewrite |= job.Rewrite;
            Release.UnionWith(job.Release ?? []);
            foreach (var route in job.Announce) Routes[(route.FloatingIP, route.Path)] = (route, true);
            foreach (var route in job.Withdraw) Routes[(route.FloatingIP, route.Path)] = (route, false);
        }
    }
}

/// <summary>
/// Route changes for the speaker. <see cref="Whole"/>: what is announced is the whole set, everything else goes. <see cref="Release"/>:
/// of these the vRouters here have dropped the entries. <see cref="Import"/>: the route targets whose routes are to be learned. <see cref="Introduce"/>: the other replicas read all rows.
/// <see cref="Rewrite"/>: the rows were taken away meanwhile.
/// </summary>
public sealed record RouteJob(
    IReadOnlyCollection<FloatingIPRoute> Announce,
    IReadOnlyCollection<FloatingIPRoute> Withdraw,
    bool Whole = false,
    IReadOnlyCollection<BgpPeer>? Peers = null,
    IReadOnlyCollection<RouteTarget>? Import = null,
    IReadOnlyCollection<Guid>? Release = null,
    bool Introduce = false,
    bool Rewrite = false);

/// <summary>What the speaker has confirmed.</summary>
public sealed record RouteResult(
    IReadOnlyCollection<FloatingIPRoute> Announced, IReadOnlyCollection<FloatingIPRoute> Withdrawn, bool Whole);
