using CN2.Api.Drivers;
using CN2.Api.Options;
using CN2.Network.Addressing;
using CN2.Network.Compilation;

namespace CN2.Api.Reconcile;

/// <summary>
/// Carries out <see cref="SpeakerJob"/>s on a task of its own, so that a slow engine or database never stops the loop. The order of rows
/// and calls is the product's promise: the announcement row stands before the route is handed to the speaker, and leaves only after the
/// speaker has withdrawn it (<see cref="AnnouncementRows"/>).
/// <para>
/// What fails because the engine or the database is away is repeated until it succeeds; jobs that arrive meanwhile are newer and win. A
/// route that the speaker refuses is a problem of its owner: the answer says so, and nothing waits for it. Any other exception is a bug:
/// it is logged with its stack, the routes that cause it are found by halving the job, and they alone are tried again later.
/// </para>
/// </summary>
internal sealed partial class SpeakerWorker(
    IBgpSpeaker speaker, IAnnouncementStore store, SpeakerJobQueue jobs, LoopInbox inbox, ControlNodeOptions self, TimeProvider time, ILogger<SpeakerWorker> logger) : IReconcileTask
{
    private static readonly TimeSpan StartInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(2);

    private readonly AnnouncementRows _rows = new();

    /// <summary>The numbers by which routers know the paths, as the rows say.</summary>
    private readonly Dictionary<(Guid FloatingIP, RouteKey Path), uint> _identifiers = [];

    /// <summary>Paths of an earlier run that nothing asks for, or that the engine refuses now, and that routers may still have, with the FloatingIPs whose rows name them.</summary>
    private readonly Dictionary<BgpPathKey, List<Guid>> _leftovers = [];

    private IReadOnlyList<SavedAnnouncement> _earlier = [];

    /// <summary>The speaker's first answer; null: it was not asked yet.</summary>
    private Task? _start;

    /// <summary>A withdrawal is not confirmed yet, and waits in the queue.</summary>
    private bool _mustRepeat;

    /// <summary>When it was logged last that a job could not be carried out yet.</summary>
    private long? _awayLoggedAt;

    /// <summary>
    /// Reads the rows that an earlier run of this control node left; called before <see cref="RunAsync"/>, and again when the reading of the rest fails. True: that run may have announced something.
    /// </summary>
    public async Task<bool> LoadAsync(CancellationToken ct)
    {
        _earlier = await store.LoadAsync(self.Name, ct);
        _rows.Load(_earlier);
        _identifiers.EnsureCapacity(_earlier.Count);
        foreach (var row in _earlier)
            foreach (var (path, identifier) in row.Paths) _identifiers[(row.FloatingIP, path)] = identifier;
        if (_start is null) speaker.Expect([.. _earlier.SelectMany(r => r.Paths, (r, p) => new AnnouncedPath(new(r.Address, p.Key), p.Value))]);
        return _rows.HasPaths;
    }

    /// <summary>Asks the speaker what it holds, which it answers while the rest of the database is read; called after <see cref="LoadAsync"/>.</summary>
    public void BeginToAsk(CancellationToken ct) => _start ??= StartAsync(ct);

    public async Task RunAsync(CancellationToken ct)
    {
        speaker.Changed += inbox.Wake;
        try
        {
            await (_start ??= StartAsync(ct)).WaitAsync(ct);
            var delay = FirstDelay;
            while (true)
            {
                if (await CarryOutWaitingAsync(ct))
                {
                    delay = FirstDelay;
                    if (_mustRepeat || _leftovers.Count > 0) await Task.Delay(FirstDelay, time, ct);
                    else await jobs.WaitAsync(ct);
                }
                else
                {
                    // A job that is posted meanwhile, such as a withdrawal, does not wait for what another one lacks.
                    await Task.Delay(FirstDelay, time, ct);
                    if (delay > FirstDelay) await jobs.WaitAsync(delay - FirstDelay, ct);
                    delay = delay * 2 < LongestDelay ? delay * 2 : LongestDelay;
                }
            }
        }
        finally
        {
            speaker.Changed -= inbox.Wake;
        }
    }

    internal static BgpPath ToPath(FloatingIPRoute route) => new(
        route.Address,
        route.NextHop,
        route.Network.Advertisement.LocalPreference,
        route.Network.Advertisement.Med,
        route.Network.Advertisement.Communities,
        route.Network.Advertisement.LargeCommunities,
        route.RoutingInstance == 0 ? null : new BgpVpn(
            new RouteDistinguisher(route.NextHop, (ushort)route.RoutingInstance), MplsLabel.Of(route.RoutingInstance), route.Network.ExportRouteTargets))
    {
        FloatingIP = route.FloatingIP,
        Weight = route.Weight,
    };

    private static BgpPathKey KeyOf(FloatingIPRoute route) => new(route.Address, route.Path);

    private async Task StartAsync(CancellationToken ct)
    {
        while (true)
        {
            try
            {
                inbox.Post(new SpeakerEvent.Started(await speaker.StartAsync(ct)));
                return;
            }
            catch (Exception e) when (!e.IsStop(ct))
            {
                LogNoSpeaker(e.Message);
                await Task.Delay(StartInterval, time, ct);
            }
        }
    }

    /// <summary>Carries out what waits. False: the engine or the database is away, and what is left waits in the queue.</summary>
    private async Task<bool> CarryOutWaitingAsync(CancellationToken ct)
    {
        var isAway = false;
        var routesWait = false;
        _mustRepeat = false;
        foreach (var job in (IEnumerable<SpeakerJob>)[.. jobs.TakeAll(), .. jobs.TakeFailed()])
        {
            // An End-of-RIB before the routes would be a withdrawal.
            if (routesWait && job is SpeakerJob.SetPeers)
            {
                jobs.PutBack(job);
                continue;
            }

            try
            {
                await CarryOutAsync(job, ct);
            }
            catch (Exception e) when (e.IsTransient())
            {
                if (_awayLoggedAt is not { } at || time.GetElapsedTime(at) >= LongestDelay)
                {
                    LogAway(job.GetType().Name, e.GetBaseException().Message);
                    _awayLoggedAt = time.GetTimestamp();
                }

                jobs.PutBack(job);
                isAway = true;
                routesWait |= job is SpeakerJob.ReplaceAll or SpeakerJob.ChangeRoutes;
            }
            catch (Exception e) when (!e.IsStop(ct))
            {
                LogFailed(e, job.GetType().Name);
                jobs.Fail(job);
            }
        }

        if (!isAway && _leftovers.Count > 0) await ConfirmLeftoversAsync(ct);
        return !isAway;
    }

    private Task CarryOutAsync(SpeakerJob job, CancellationToken ct) => job switch
    {
        SpeakerJob.FollowReplicas follow => FollowAsync(follow, ct),
        SpeakerJob.SetImports imports => speaker.SetImportAsync(imports.Targets, ct),
        SpeakerJob.SetFence fence => speaker.SetFenceAsync(fence.Fence, ct),
        SpeakerJob.ReplaceAll all => ReplaceAllAsync(all, ct),
        SpeakerJob.ChangeRoutes change => ChangeAsync(PerFloatingIP(change), ct),
        SpeakerJob.SetPeers peers => speaker.SetPeersAsync(peers.Peers, ct),
        SpeakerJob.Release release => ReleaseAsync(release, ct),
        SpeakerJob.SaveRows => SaveRowsAsync(ct),
        SpeakerJob.Renumber moved => RenumberAsync(moved, ct),
        _ => throw new ArgumentOutOfRangeException(nameof(job), job, "is no known job"),
    };

    private async Task FollowAsync(SpeakerJob.FollowReplicas job, CancellationToken ct)
    {
        if (job.RewriteRows) await RewriteRowsAsync(ct);
        if (job.Introduce) await store.IntroduceAsync(self.Name, ct);
        // Rows that were saved before are in what the others read now.
        _rows.HasReaders = job.HasOthers;
    }

    /// <summary>
    /// Makes the rows of this control node what they were believed to be: those that somebody removed are written, those that came back with
    /// a restored database go, because nothing here announces them and nothing else would remove them.
    /// </summary>
    private async Task RewriteRowsAsync(CancellationToken ct)
    {
        var rows = new Dictionary<Guid, IReadOnlyCollection<RouteKey>?>(_rows.Saved);
        foreach (var floatingIP in (await store.LoadAsync(self.Name, ct)).Select(r => r.FloatingIP)) rows.TryAdd(floatingIP, null);
        if (rows.Count > 0) await SaveAsync(rows, tellOthers: false, ct);
    }

    private async Task ReleaseAsync(SpeakerJob.Release job, CancellationToken ct)
    {
        _rows.Release(job.FloatingIPs);
        await SaveRowsAsync(ct);
    }

    private async Task SaveRowsAsync(CancellationToken ct)
    {
        var due = _rows.Due;
        if (due.Count == 0) return;
        await SaveAsync(due, _rows.HasReaders, ct);
        foreach (var gone in _rows.WereSaved(due)) _identifiers.Remove(gone);
        inbox.Wake(); // a deletion may wait for a row to go
    }

    /// <summary>A path that a limited router does not get any more is announced by another number.</summary>
    private async Task RenumberAsync(SpeakerJob.Renumber job, CancellationToken ct)
    {
        var identifiers = speaker.PathIdentifiersOf([.. job.Moved.Select(m => m.Key)]);
        foreach (var (path, identifier) in job.Moved.Zip(identifiers))
        {
            var key = (path.FloatingIP, path.Key.Path);
            if (!_identifiers.TryGetValue(key, out var before) || before == identifier) continue;
            _identifiers[key] = identifier;
            _rows.MustRewrite(path.FloatingIP);
        }
        await SaveRowsAsync(ct);
    }

    private async Task ReplaceAllAsync(SpeakerJob.ReplaceAll job, CancellationToken ct)
    {
        try
        {
            await ReplaceAllAsync(job.Announce, job.Withdraw, ct);
        }
        catch (Exception e) when (IsBug(e, ct))
        {
            LogFailed(e, nameof(SpeakerJob.ReplaceAll));
            // Adding routes one part after another finds those that fail; the set without them replaces all.
            var failed = await ChangeAsync(PerFloatingIP(new(job.Announce, [])), ct);
            await ReplaceAllAsync([.. job.Announce.Where(r => !failed.Contains(r.FloatingIP))], job.Withdraw, ct);
        }
    }

    private async Task ReplaceAllAsync(IReadOnlyCollection<FloatingIPRoute> wanted, IReadOnlyCollection<FloatingIPRoute> withdraw, CancellationToken ct)
    {
        var announce = await AddRowsAsync(wanted, ct);
        var answer = await speaker.SetPathsAsync([.. announce.Select(ToPath)], ct);
        var (announced, notAnnounced) = Split(announce, answer);
        var withdrawn = Confirmed(withdraw, answer);
        var waiting = WaitingIn(answer);
        foreach (var row in _earlier)
            foreach (var path in row.Paths.Keys)
                if (waiting.Contains(new(row.Address, path))) LeftoversOf(new(row.Address, path)).Add(row.FloatingIP);
        _earlier = [];
        _rows.ReplacedBy(announced, withdraw.Except(withdrawn).Select(r => (r.FloatingIP, r.Path)).Concat(_leftovers.SelectMany(l => l.Value, (l, f) => (f, l.Key.Path))));
        RewriteChanged(announced);
        jobs.Post(new SpeakerJob.SaveRows());
        inbox.Post(new SpeakerEvent.RoutesDone(announced, withdrawn, notAnnounced, IsFirstSet: true));
    }

    private List<Guid> LeftoversOf(BgpPathKey key)
    {
        if (!_leftovers.TryGetValue(key, out var floatingIPs)) _leftovers[key] = floatingIPs = [];
        return floatingIPs;
    }

    /// <summary>Carries out changes; where an exception shows a bug it halves them until the one that causes it stands alone. Answers these.</summary>
    private async Task<IReadOnlySet<Guid>> ChangeAsync(List<SpeakerJob.ChangeRoutes> changes, CancellationToken ct)
    {
        if (changes.Count == 0) return new HashSet<Guid>();
        try
        {
            await ChangeTogetherAsync([.. changes.SelectMany(c => c.Announce)], [.. changes.SelectMany(c => c.Withdraw)], ct);
            return new HashSet<Guid>();
        }
        catch (Exception e) when (IsBug(e, ct))
        {
            if (changes.Count > 1)
            {
                var half = changes.Count / 2;
                var failed = new HashSet<Guid>(await ChangeAsync([.. changes.Take(half)], ct));
                failed.UnionWith(await ChangeAsync([.. changes.Skip(half)], ct));
                return failed;
            }

            var change = changes[0];
            LogRouteFailed(e, change.Announce.Concat(change.Withdraw).First().Address.ToString());
            jobs.Fail(change);
            var reason = $"The control node {self.Name} failed on it ({e.GetType().Name}) and tries it again; its log says more.";
            if (change.Announce.Count > 0) inbox.Post(new SpeakerEvent.RoutesDone([], [], [.. change.Announce.Select(r => new RefusedRoute(r, reason))], IsFirstSet: false));
            return change.Announce.Concat(change.Withdraw).Select(r => r.FloatingIP).ToHashSet();
        }
    }

    private async Task ChangeTogetherAsync(IReadOnlyCollection<FloatingIPRoute> wanted, IReadOnlyCollection<FloatingIPRoute> withdraw, CancellationToken ct)
    {
        var announce = await AddRowsAsync(wanted, ct);
        foreach (var route in announce) _leftovers.Remove(KeyOf(route)); // it is asked for again
        var answer = await speaker.ChangePathsAsync([.. announce.Select(ToPath)], [.. withdraw.Select(KeyOf)], ct);
        var (announced, notAnnounced) = Split(announce, answer);
        var withdrawn = Confirmed(withdraw, answer);
        var waiting = WaitingIn(answer);
        foreach (var (route, _) in notAnnounced)
        {
            // Routers may have an earlier version: its row stays until they have not.
            if (waiting.Contains(KeyOf(route))) LeftoversOf(KeyOf(route)).Add(route.FloatingIP);
            else _rows.Withdrawn(route.FloatingIP, route.Path);
        }

        _rows.Withdrawn(withdrawn);
        RewriteChanged(announced);
        if (_rows.Due.Count > 0) jobs.Post(new SpeakerJob.SaveRows());
        inbox.Post(new SpeakerEvent.RoutesDone(announced, withdrawn, notAnnounced, IsFirstSet: false));
    }

    /// <summary>
    /// The withdrawals that have reached every router. The others are repeated until they have; their addresses and entries stay until then.
    /// </summary>
    private IReadOnlyCollection<FloatingIPRoute> Confirmed(IReadOnlyCollection<FloatingIPRoute> withdraw, IReadOnlyList<RefusedPath> answer)
    {
        var waiting = WaitingIn(answer);
        if (waiting.Count == 0) return withdraw;
        var left = withdraw.Where(r => waiting.Contains(KeyOf(r))).ToList();
        if (left.Count > 0)
        {
            jobs.PutBack(new SpeakerJob.ChangeRoutes([], left));
            _mustRepeat = true;
        }

        return [.. withdraw.Where(r => !waiting.Contains(KeyOf(r)))];
    }

    /// <summary>The paths of an answer that a router may still have.</summary>
    private static HashSet<BgpPathKey> WaitingIn(IReadOnlyList<RefusedPath> answer) => [.. answer.Where(r => r.IsWithdrawal).Select(r => r.Key)];

    /// <summary>Asks whether routers still have paths of an earlier run; the rows of those that they do not have may go.</summary>
    private async Task ConfirmLeftoversAsync(CancellationToken ct)
    {
        try
        {
            var answer = await speaker.ChangePathsAsync([], [.. _leftovers.Keys], ct);
            var waiting = WaitingIn(answer);
            var gone = _leftovers.Where(l => !waiting.Contains(l.Key)).ToList();
            foreach (var (key, floatingIPs) in gone)
            {
                _leftovers.Remove(key);
                foreach (var floatingIP in floatingIPs) _rows.Withdrawn(floatingIP, key.Path);
            }
            if (_rows.Due.Count > 0) jobs.Post(new SpeakerJob.SaveRows());
            if (gone.Count > 0) inbox.Post(new SpeakerEvent.LeftoversGone([.. gone.SelectMany(g => g.Value).Distinct()]));
        }
        catch (Exception e) when (e.IsTransient())
        {
            LogAway(nameof(SpeakerJob.ReplaceAll), e.GetBaseException().Message);
        }
    }

    /// <summary>The engine may have given a path another number than its row says, or give it one, after a restart or because the path was withdrawn.</summary>
    private void RewriteChanged(IReadOnlyCollection<FloatingIPRoute> routes)
    {
        var identifiers = speaker.PathIdentifiersOf([.. routes.Select(KeyOf)]);
        foreach (var (route, identifier) in routes.Zip(identifiers))
        {
            var key = (route.FloatingIP, route.Path);
            if (_identifiers.GetValueOrDefault(key) == identifier) continue;
            _identifiers[key] = identifier;
            _rows.MustRewrite(route.FloatingIP);
        }
    }

    private uint IdentifierOf(Guid floatingIP, RouteKey path) => _identifiers.GetValueOrDefault((floatingIP, path));

    private async Task<HashSet<Guid>> SaveAsync(IReadOnlyDictionary<Guid, IReadOnlyCollection<RouteKey>?> rows, bool tellOthers, CancellationToken ct)
    {
        try
        {
            return await store.SaveAsync(self.Name, rows, IdentifierOf, tellOthers, ct);
        }
        catch
        {
            _rows.Doubt(rows);
            throw;
        }
    }

    /// <summary>Writes the rows that must stand before these routes are announced; answers the routes of FloatingIPs that still exist.</summary>
    private async Task<IReadOnlyCollection<FloatingIPRoute>> AddRowsAsync(IReadOnlyCollection<FloatingIPRoute> announce, CancellationToken ct)
    {
        // A router may have the path before the engine has answered, so the row says beforehand by which number.
        RewriteChanged(announce);
        var missing = _rows.Missing(announce);
        if (missing.Count == 0) return announce;
        var standing = await SaveAsync(missing, _rows.HasReaders, ct);
        _rows.WereAdded(missing, standing);
        foreach (var route in announce)
            if (missing.ContainsKey(route.FloatingIP) && !standing.Contains(route.FloatingIP)) _identifiers.Remove((route.FloatingIP, route.Path)); // deleted meanwhile
        return [.. announce.Where(r => !missing.ContainsKey(r.FloatingIP) || standing.Contains(r.FloatingIP))];
    }

    private (IReadOnlyList<FloatingIPRoute> Announced, IReadOnlyList<RefusedRoute> Refused) Split(
        IReadOnlyCollection<FloatingIPRoute> announce, IReadOnlyList<RefusedPath> refusals)
    {
        if (refusals.All(r => r.IsWithdrawal)) return ([.. announce], []);
        var reasons = new Dictionary<BgpPathKey, string>();
        foreach (var refusal in refusals.Where(r => !r.IsWithdrawal))
        {
            reasons.TryAdd(refusal.Key, refusal.Reason);
            LogPathRefused(refusal.Key.Prefix.ToString(), refusal.Key.Path.ToString(), refusal.Reason);
        }

        var refused = announce.Where(r => reasons.ContainsKey(KeyOf(r))).Select(r => new RefusedRoute(r, reasons[KeyOf(r)])).ToList();
        return ([.. announce.Where(r => !reasons.ContainsKey(KeyOf(r)))], refused);
    }

    private static List<SpeakerJob.ChangeRoutes> PerFloatingIP(SpeakerJob.ChangeRoutes job)
    {
        var changes = new Dictionary<Guid, (List<FloatingIPRoute> Announce, List<FloatingIPRoute> Withdraw)>();
        foreach (var route in job.Announce) Of(route).Announce.Add(route);
        foreach (var route in job.Withdraw) Of(route).Withdraw.Add(route);
        return [.. changes.Values.Select(c => new SpeakerJob.ChangeRoutes(c.Announce, c.Withdraw))];

        (List<FloatingIPRoute> Announce, List<FloatingIPRoute> Withdraw) Of(FloatingIPRoute route)
        {
            if (!changes.TryGetValue(route.FloatingIP, out var change)) changes[route.FloatingIP] = change = ([], []);
            return change;
        }
    }

    private static bool IsBug(Exception e, CancellationToken ct) => !e.IsTransient() && !e.IsStop(ct);

    [LoggerMessage(EventId = 232, Level = LogLevel.Warning, Message = "The BGP engine does not answer yet, trying again: {Reason}")]
    private partial void LogNoSpeaker(string reason);

    [LoggerMessage(EventId = 233, Level = LogLevel.Warning, Message = "{Job} could not be carried out yet; trying again: {Reason}")]
    private partial void LogAway(string job, string reason);

    [LoggerMessage(EventId = 234, Level = LogLevel.Error, Message = "{Job} failed; it is tried again alone, and the jobs after it are carried out")]
    private partial void LogFailed(Exception exception, string job);

    [LoggerMessage(EventId = 235, Level = LogLevel.Error, Message = "The routes of {Address} failed; they are tried again alone, and all others are carried out")]
    private partial void LogRouteFailed(Exception exception, string address);

    [LoggerMessage(EventId = 236, Level = LogLevel.Warning, Message = "{Prefix} through {NextHop} is not announced: {Reason}")]
    private partial void LogPathRefused(string prefix, string nextHop, string reason);
}
