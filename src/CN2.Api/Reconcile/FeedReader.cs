using CN2.Api.Data;
using CN2.Api.Data.Rows;

namespace CN2.Api.Reconcile;

/// <summary>
/// Brings the database into memory: everything at the start, then what the change feed names. A change says only which row to look at, and
/// rows are read at their current state, so reading a page twice does no harm.
/// </summary>
internal sealed partial class FeedReader(
    IStateReader rows, IChangeFeedReader feed, IControlNodeStore controlNodes, ResourceChanges resources, LoopState state, ILogger<FeedReader> logger)
{
    /// <summary>Changes that are read at once.</summary>
    public const int PageSize = 5000;

    /// <summary>How often it is checked that the feed still begins before our position; retention keeps an hour at least.</summary>
    public static readonly TimeSpan HorizonInterval = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How often the rows of agents at other replicas are read while something waits for them: their progress alone writes no change row.
    /// </summary>
    public static readonly TimeSpan RemoteInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// In a stream of changes the feed is read this often, so that many writes share the cost of a reading (a handful of queries). After a
    /// pause, <see cref="Burst"/> more readings are made at once: a change and the statuses that follow from it wait for nothing.
    /// </summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(30);

    private const int Burst = 2;

    private FeedPosition _position;
    private DateTimeOffset _nextReading;
    private DateTimeOffset _horizonCheckedAt;
    private DateTimeOffset _remoteReadAt;

    /// <summary>Part of a page is in memory and the rest could not be read: resources may not fit together, so nothing may be compiled.</summary>
    public bool IsMidPage { get; private set; }

    /// <summary>Reads everything for the first time.</summary>
    public async Task LoadAsync(CancellationToken ct)
    {
        await ReadAllAsync(ct);
        _horizonCheckedAt = state.Clock.Now;
        LogLoaded(state.Resources.ServiceCount, state.Resources.FloatingIPs.Count, (long)_position.Xid);
    }

    /// <summary>
    /// Reads a page of changes; true: there are more. Reads nothing, and asks for a later round, when it has read a moment ago.
    /// </summary>
    public async Task<bool> ReadAsync(DateTimeOffset now, NextTick next, CancellationToken ct)
    {
        if (now < _nextReading)
        {
            next.NoLaterThan(_nextReading);
            return false;
        }

        var rested = now - (Burst * Pace);
        _nextReading = (_nextReading > rested ? _nextReading : rested) + Pace;
        await CheckHorizonAsync(now, ct);
        var more = await ReadChangesAsync(ct);
        await ReadRowsOfGoneAsync(ct);
        await ReadRemoteAsync(now, ct);
        return more;
    }

    /// <summary>Asks for a round soon when something waits for agents at other replicas.</summary>
    public void Schedule(DateTimeOffset now, NextTick next)
    {
        if (AwaitedAtOthers().Any()) next.NoLaterThan(now + RemoteInterval);
    }

    private async Task CheckHorizonAsync(DateTimeOffset now, CancellationToken ct)
    {
        if (now - _horizonCheckedAt <= HorizonInterval) return;
        if ((await feed.HorizonAsync(ct)).CompareTo(_position) > 0)
        {
            LogBehind(_position);
            await ReadAllAsync(ct);
        }

        _horizonCheckedAt = now;
    }

    private async Task<bool> ReadChangesAsync(CancellationToken ct)
    {
        var changes = await feed.ReadAsync(_position, PageSize, ct);
        var more = changes.Count == PageSize;
        if (changes.Count > 0)
        {
            IsMidPage = true;
            await TakeAsync(changes, more, ct);
        }

        IsMidPage = false;
        return more;
    }

    /// <summary>A replica that believed to be alone saves its rows without change rows; it may be gone before it learns of this one.</summary>
    private async Task ReadRowsOfGoneAsync(CancellationToken ct)
    {
        if (!state.Others.RowsDue) return;
        resources.ReplaceAnnouncements(await controlNodes.AnnouncedByOthersAsync(state.Self, null, ct));
        state.Others.RowsDue = false;
    }

    private async Task ReadRemoteAsync(DateTimeOffset now, CancellationToken ct)
    {
        if (now - _remoteReadAt < RemoteInterval) return;
        Guid[] awaited = [.. AwaitedAtOthers()];
        if (awaited.Length == 0) return;
        foreach (var router in await rows.VirtualRoutersAsync(awaited, ct)) resources.Put(router);
        _remoteReadAt = now;
    }

    /// <summary>vRouters whose agents dialled another replica and for which something waits here.</summary>
    private IEnumerable<Guid> AwaitedAtOthers() =>
        state.Ledger.Accounts.Where(a => a is { ConnectedElsewhere: true, ConnectedHere: false } && (a.IsBehind || state.Sequencer.Awaits(a.Name)))
            .Select(a => state.Resources.VirtualRouter(a.Name)?.Uid).OfType<Guid>();

    /// <summary>The database as it is, whatever was known before. Everything is read before anything is taken.</summary>
    private async Task ReadAllAsync(CancellationToken ct)
    {
        var all = await rows.ReadAllAsync(ct);
        var announced = await controlNodes.AnnouncedByOthersAsync(state.Self, null, ct);
        var newest = await rows.NewestChangeAsync(ct);
        _position = all.Position;
        state.Ledger.Position = (long)_position.Xid;
        state.Ledger.MarkPosition = (long)newest;
        var known = state.Resources;
        Replace([.. known.ExternalNetworks.Select(n => n.Uid)], all.ExternalNetworks, n => n.Uid, resources.Put, resources.RemoveExternalNetwork);
        Replace([.. known.VirtualRouters.Select(r => r.Uid)], all.VirtualRouters, r => r.Router.Uid, resources.Put, resources.RemoveVirtualRouter);
        Replace([.. known.ServiceHealthChecks.Select(h => h.Uid)], all.ServiceHealthChecks, h => h.Uid, resources.Put, resources.RemoveServiceHealthCheck);
        Replace([.. known.VirtualMachineInterfaces.Select(v => v.Uid)], all.VirtualMachineInterfaces, v => v.Uid, resources.Put, resources.RemoveVirtualMachineInterface);
        Replace([.. known.Services.Select(s => s.Uid)], all.Services, s => s.Uid, resources.Put, resources.RemoveService);
        Replace([.. known.FloatingIPs.Select(f => f.Uid)], all.FloatingIPs, f => f.Uid, resources.Put, resources.RemoveFloatingIP);
        resources.Put(all.BgpPeers);
        resources.ReplaceAnnouncements(announced);
        resources.SomethingMayFit();
    }

    /// <param name="more">The page is full: its last transaction may go on in the next page.</param>
    private async Task TakeAsync(List<ChangeRow> changes, bool more, CancellationToken ct)
    {
        foreach (var kind in changes.Where(IsRead).GroupBy(c => c.Kind))
        {
            if (kind.Key == ResourceKind.Announcements) await TakeAnnouncementsAsync([.. kind.Where(c => c.Name != state.Self).Select(c => c.Uid).Distinct()], ct);
            else await TakeAsync(kind.Key, [.. kind.Select(c => c.Uid).Distinct()], ct);
        }

        var newest = state.Others.Any ? await rows.NewestChangeAsync(ct) : 0;
        if (changes.Exists(c => !c.StatusOnly && FreesOrAdds(c))) resources.SomethingMayFit();
        _position = new FeedPosition(changes[^1].Xid, changes[^1].Id);
        state.Ledger.Position = (long)_position.Xid - (more ? 1 : 0);
        state.Ledger.MarkPosition = Math.Max((long)_position.Xid, (long)newest);
    }

    private async Task TakeAsync(ResourceKind kind, Guid[] uids, CancellationToken ct)
    {
        switch (kind)
        {
            case ResourceKind.ExternalNetwork:
                Replace(uids, await rows.ExternalNetworksAsync(uids, ct), n => n.Uid, resources.Put, resources.RemoveExternalNetwork);
                break;
            case ResourceKind.Service:
                Replace(uids, await rows.ServicesAsync(uids, ct), s => s.Uid, resources.Put, resources.RemoveService);
                break;
            case ResourceKind.FloatingIP:
                Replace(uids, await rows.FloatingIPsAsync(uids, ct), f => f.Uid, resources.Put, resources.RemoveFloatingIP);
                break;
            case ResourceKind.VirtualMachineInterface:
                Replace(uids, await rows.VirtualMachineInterfacesAsync(uids, ct), v => v.Uid, resources.Put, resources.RemoveVirtualMachineInterface);
                break;
            case ResourceKind.VirtualRouter:
                Replace(uids, await rows.VirtualRoutersAsync(uids, ct), r => r.Router.Uid, resources.Put, resources.RemoveVirtualRouter);
                break;
            case ResourceKind.ServiceHealthCheck:
                Replace(uids, await rows.ServiceHealthChecksAsync(uids, ct), h => h.Uid, resources.Put, resources.RemoveServiceHealthCheck);
                break;
            case ResourceKind.BgpRouter:
                resources.Put(await rows.BgpPeersAsync(ct));
                break;
            default:
                break;
        }
    }

    private async Task TakeAnnouncementsAsync(Guid[] floatingIPs, CancellationToken ct)
    {
        if (floatingIPs.Length == 0) return;
        // The empty uid stands for all rows of a replica.
        if (floatingIPs.Contains(Guid.Empty)) resources.ReplaceAnnouncements(await controlNodes.AnnouncedByOthersAsync(state.Self, null, ct));
        else resources.PutAnnouncements(floatingIPs, await controlNodes.AnnouncedByOthersAsync(state.Self, floatingIPs, ct));
    }

    /// <summary>Changes of a status alone are for watchers, but the loop reads what replicas and agents report.</summary>
    private static bool IsRead(ChangeRow change) =>
        !change.StatusOnly || change.Kind is ResourceKind.Announcements or ResourceKind.VirtualRouter;

    /// <summary>A pending Service may get after this change what it lacks.</summary>
    private static bool FreesOrAdds(ChangeRow change) =>
        change.Kind is ResourceKind.Namespace or ResourceKind.ExternalNetwork or ResourceKind.ExternalNetworkSelector
        || (change.Kind is ResourceKind.FloatingIP or ResourceKind.Service && change.Verb == ChangeVerb.Deleted);

    /// <summary>
    /// Removes the rows of <paramref name="uids"/> that were not found, then puts the others. In this order, because a new row may have the
    /// name, number or address of a removed one.
    /// </summary>
    private static void Replace<T>(Guid[] uids, IReadOnlyCollection<T> found, Func<T, Guid> uid, Action<T> put, Action<Guid> remove)
    {
        foreach (var missing in uids.Except(found.Select(uid))) remove(missing);
        foreach (var item in found) put(item);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Loaded {Services} services and {FloatingIPs} floating IPs at position {Position}")]
    private partial void LogLoaded(int services, int floatingIPs, long position);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The change feed no longer begins before {Position}: everything is read again")]
    private partial void LogBehind(FeedPosition position);
}
