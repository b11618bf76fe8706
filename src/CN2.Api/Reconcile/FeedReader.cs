using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Network.Compilation;

namespace CN2.Api.Reconcile;

/// <summary>
/// Brings the database into memory: everything at the start, then what the change feed names. A change says only which row to look at, and
/// rows are read as they stand in the snapshot of the reading, so reading a page twice does no harm.
/// </summary>
internal sealed partial class FeedReader(
    IStateReader rows, IChangeFeedReader feed, IAnnouncementStore announcements, ResourceChanges resources, LoopState state, ILogger<FeedReader> logger)
{
    /// <summary>Changes that are read at once.</summary>
    public const int PageSize = 5000;

    /// <summary>
    /// How often the rows of agents at other replicas are read while something waits for them: their progress alone writes no change row.
    /// </summary>
    public static readonly TimeSpan RemoteInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>So long a replica may say nothing new of all its agents (<see cref="AgentsApplied"/>) until their rows are read one by one: one of the version before says nothing.</summary>
    public static readonly TimeSpan AppliedWithin = TimeSpan.FromSeconds(1);

    private FeedPosition? _position;
    private DateTimeOffset _remoteReadAt;

    /// <summary>Other control node → what it says of all its agents, and since when.</summary>
    private readonly Dictionary<string, (AgentsApplied Applied, DateTimeOffset At)> _applied = [];

    /// <summary>When the rows of agents at other replicas are to be read; null: nothing waits for them.</summary>
    private DateTimeOffset? _remoteDueAt;

    /// <summary>Part of a page is in memory and the rest could not be read: resources may not fit together, so nothing may be compiled.</summary>
    public bool IsMidPage { get; private set; }

    /// <summary>There are other control nodes.</summary>
    public bool HasOthers => state.Others.Any;

    /// <summary>Reads everything for the first time.</summary>
    public async Task LoadAsync(CancellationToken ct)
    {
        await ReadAllAsync(ct);
        LogLoaded(state.Resources.ServiceCount, state.Resources.FloatingIPs.Count, _position!);
    }

    /// <summary>Reads a page of changes.</summary>
    public async Task<FeedReading> ReadAsync(DateTimeOffset now, CancellationToken ct)
    {
        await using var reading = await rows.OpenAsync(ct);
        var page = await feed.ReadAsync(reading, _position!, PageSize, ct);
        if (page.Gap != FeedGap.None)
        {
            await ReadAllAgainAsync(page, reading, ct);
            return new FeedReading(0, More: false);
        }

        await TakeAsync(page, reading, ct);
        await ReadRowsOfGoneAsync(reading, ct);
        await ReadRemoteAsync(now, page.More, reading, ct);
        return new FeedReading(page.Rows.Where(IsRead).Select(r => r.Xid).Distinct().Count(), page.More);
    }

    /// <summary>
    /// To be read although the feed may not have grown: rows that no change row may name, what others announce when entries were held for long enough, and what others may have given
    /// an agent that has come here.
    /// </summary>
    public bool IsOwed(DateTimeOffset now) => state.Others.RowsDue || _remoteDueAt <= now || state.Sequencer.HoldEndsAt <= now || state.FeedReadAt < state.AwaitedReadingAt;

    /// <summary>Asks for a round soon when something waits for agents at other replicas.</summary>
    public void Schedule(DateTimeOffset now, NextTick next)
    {
        _remoteDueAt = AwaitedAtOthers().Any() ? _remoteDueAt ?? now + RemoteInterval : null;
        next.NoLaterThan(_remoteDueAt);
    }

    private async Task TakeAsync(FeedPage page, IDatabaseReading reading, CancellationToken ct)
    {
        Guid[] routers = [.. page.Rows.Where(r => r.Kind == ResourceKind.VirtualRouter).Select(r => r.Uid).Distinct()];
        RowsRead<VirtualRouterState>? found = null;
        if (page.Rows.Count > 0)
        {
            IsMidPage = true;
            await TakeAsync(page.Rows, reading, ct);
            if (routers.Length > 0) found = await rows.VirtualRoutersAsync(reading, routers, _position!.Epoch, ct);
            state.Ledger.Feed.Read(page.Upper, page.Rows.Select(r => r.Xid), page.More);
        }

        _position = page.End;
        state.Ledger.Position = _position.Whole;
        IsMidPage = false;
        // Last: what their agents have applied at other replicas is compared with what was read here.
        if (found is not null) Replace(routers, found, r => r.Router.Uid, resources.Put, resources.RemoveVirtualRouter);
    }

    /// <summary>A replica that believed to be alone saves its rows without change rows; it may be gone before it learns of this one.</summary>
    private async Task ReadRowsOfGoneAsync(IDatabaseReading reading, CancellationToken ct)
    {
        if (!state.Others.RowsDue) return;
        resources.ReplaceAnnouncements(await announcements.OfOthersAsync(reading, state.Self, null, ct));
        state.Others.RowsDue = false;
    }

    /// <param name="more">The rest of the changes is not read yet: among them may be that an agent is not there any more.</param>
    private async Task ReadRemoteAsync(DateTimeOffset now, bool more, IDatabaseReading reading, CancellationToken ct)
    {
        if (!more && AwaitedAtOthers().Any()) await ReadAppliedAsync(now, reading, ct);
        if (now - _remoteReadAt < RemoteInterval) return;
        _remoteDueAt = null;
        Guid[] awaited = [.. AwaitedAtOthers().Where(a => !IsFollowed(a, now)).Select(a => state.Resources.VirtualRouter(a.Name)?.Uid).OfType<Guid>()];
        if (awaited.Length == 0) return;
        foreach (var router in (await rows.VirtualRoutersAsync(reading, awaited, _position!.Epoch, ct)).Items) resources.Put(router);
        _remoteReadAt = now;
    }

    private async Task ReadAppliedAsync(DateTimeOffset now, IDatabaseReading reading, CancellationToken ct)
    {
        foreach (var applied in await rows.AgentsAppliedAsync(reading, _position!.Epoch, ct))
        {
            resources.Put(applied);
            if (_applied.GetValueOrDefault(applied.ControlNode).Applied?.Position.Seen.Includes(applied.Position.Seen) != true) _applied[applied.ControlNode] = (applied, now);
        }
    }

    /// <summary>Its replica goes on saying what all its agents have applied, and it is one of them.</summary>
    private bool IsFollowed(VirtualRouterLedger.Account account, DateTimeOffset now) =>
        account.ControlNode is { } controlNode && _applied.TryGetValue(controlNode, out var last) && now - last.At < AppliedWithin && account.IsOneOf(last.Applied);

    /// <summary>vRouters whose agents dialled another replica and for which something waits here; deletions wait for each that has not answered.</summary>
    private IEnumerable<VirtualRouterLedger.Account> AwaitedAtOthers() =>
        state.Ledger.Accounts.Where(a => a is { ConnectedElsewhere: true, ConnectedHere: false } && (a.IsBehind || !a.HasAnswered || state.Sequencer.Awaits(a.Name)));

    /// <summary>The feed does not lead on from here: retention was faster, or the database is not the one it was.</summary>
    private async Task ReadAllAgainAsync(FeedPage page, IDatabaseReading reading, CancellationToken ct)
    {
        await reading.DisposeAsync();
        var before = _position!;
        if (page.Gap == FeedGap.Removed) LogBehind(before);
        await ReadAllAsync(ct);
        if (_position!.Epoch == before.Epoch) return;
        LogEpoch(state.Resources.ServiceCount, state.Resources.FloatingIPs.Count);
        resources.EpochBegan();
    }

    /// <summary>The database as it is, whatever was known before. Everything is read before anything is taken.</summary>
    private async Task ReadAllAsync(CancellationToken ct)
    {
        while (true)
        {
            await using var reading = await rows.OpenAsync(ct);
            if (await rows.ReadAllAsync(reading, ct) is not { } all) continue;
            var announced = await announcements.OfOthersAsync(reading, state.Self, null, ct);
            if (_position is { } before && before.Epoch != all.Position.Epoch) announced.AddRange(await RestoreAsync(announced, ct));
            TakeAll(all, announced);
            return;
        }
    }

    /// <summary>Rows of other control nodes that were lost with the last epoch: those may not be there to write them again, and their engines may announce.</summary>
    private async Task<IReadOnlyCollection<(Guid FloatingIP, string ControlNode, RouteKey[] Paths)>> RestoreAsync(
        List<(Guid FloatingIP, string ControlNode, RouteKey[] Paths)> announced, CancellationToken ct)
    {
        var found = announced.Select(a => (a.FloatingIP, a.ControlNode)).ToHashSet();
        var lost = state.Others.Rows.Where(r => !found.Contains((r.FloatingIP, r.ControlNode))).ToList();
        if (lost.Count == 0) return [];
        var restored = (await announcements.RestoreAsync(lost, ct)).ToHashSet();
        return [.. lost.Where(r => restored.Contains((r.FloatingIP, r.ControlNode)))];
    }

    private void TakeAll(StateSnapshot all, List<(Guid FloatingIP, string ControlNode, RouteKey[] Paths)> announced)
    {
        IsMidPage = false;
        _position = all.Position;
        state.Ledger.Position = _position;
        state.Ledger.Feed.ReadAll(_position, all.RecentChanges);
        var known = state.Resources;
        known.MakeRoomFor(all.Services.Items.Count, all.FloatingIPs.Items.Count);
        Replace([.. known.ExternalNetworks.Select(n => n.Uid)], all.ExternalNetworks, n => n.Uid, resources.Put, resources.RemoveExternalNetwork);
        Replace([.. known.VirtualRouters.Select(r => r.Uid)], all.VirtualRouters, r => r.Router.Uid, resources.Put, resources.RemoveVirtualRouter);
        Replace([.. known.ServiceHealthChecks.Select(h => h.Uid)], all.ServiceHealthChecks, h => h.Uid, resources.Put, resources.RemoveServiceHealthCheck);
        Replace([.. known.VirtualMachineInterfaces.Select(v => v.Uid)], all.VirtualMachineInterfaces, v => v.Uid, resources.Put, resources.RemoveVirtualMachineInterface);
        Replace([.. known.Services.Select(s => s.Uid)], all.Services, s => s.Uid, resources.Put, resources.RemoveService);
        Replace([.. known.FloatingIPs.Select(f => f.Uid).Concat(resources.WaitingFloatingIPs)], all.FloatingIPs, f => f.Uid, resources.Put, resources.RemoveFloatingIP);
        resources.Put(all.BgpPeers);
        resources.ReplaceAnnouncements(announced);
        resources.SomethingMayFit();
    }

    /// <summary>Everything but the VirtualRouters.</summary>
    private async Task TakeAsync(List<ChangeRow> changes, IDatabaseReading reading, CancellationToken ct)
    {
        foreach (var kind in changes.Where(IsRead).GroupBy(c => c.Kind))
        {
            if (kind.Key == ResourceKind.Announcements) await TakeAnnouncementsAsync([.. kind.Where(c => c.Name != state.Self).Select(c => c.Uid).Distinct()], reading, ct);
            else await TakeAsync(kind.Key, [.. kind.Select(c => c.Uid).Distinct()], reading, ct);
        }

        if (changes.Exists(c => !c.StatusOnly && FreesOrAdds(c))) resources.SomethingMayFit();
    }

    private async Task TakeAsync(ResourceKind kind, Guid[] uids, IDatabaseReading reading, CancellationToken ct)
    {
        switch (kind)
        {
            case ResourceKind.ExternalNetwork:
                Replace(uids, await rows.ExternalNetworksAsync(reading, uids, ct), n => n.Uid, resources.Put, resources.RemoveExternalNetwork);
                break;
            case ResourceKind.Service:
                Replace(uids, await rows.ServicesAsync(reading, uids, ct), s => s.Uid, resources.Put, resources.RemoveService);
                break;
            case ResourceKind.FloatingIP:
                Replace(uids, await rows.FloatingIPsAsync(reading, uids, ct), f => f.Uid, resources.Put, resources.RemoveFloatingIP);
                break;
            case ResourceKind.VirtualMachineInterface:
                Replace(uids, await rows.VirtualMachineInterfacesAsync(reading, uids, ct), v => v.Uid, resources.Put, resources.RemoveVirtualMachineInterface);
                break;
            case ResourceKind.ServiceHealthCheck:
                Replace(uids, await rows.ServiceHealthChecksAsync(reading, uids, ct), h => h.Uid, resources.Put, resources.RemoveServiceHealthCheck);
                break;
            case ResourceKind.BgpRouter:
                resources.Put(await rows.BgpPeersAsync(reading, ct));
                break;
            default:
                break;
        }
    }

    private async Task TakeAnnouncementsAsync(Guid[] floatingIPs, IDatabaseReading reading, CancellationToken ct)
    {
        if (floatingIPs.Length == 0) return;
        // The empty uid stands for all rows of a replica.
        if (floatingIPs.Contains(Guid.Empty)) resources.ReplaceAnnouncements(await announcements.OfOthersAsync(reading, state.Self, null, ct));
        else resources.PutAnnouncements(floatingIPs, await announcements.OfOthersAsync(reading, state.Self, floatingIPs, ct));
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
    /// name, number or address of a removed one. A row that stands and cannot be read changes nothing.
    /// </summary>
    private static void Replace<T>(Guid[] uids, RowsRead<T> found, Func<T, Guid> uid, Action<T> put, Action<Guid> remove)
    {
        if (uids.Length > 0)
        {
            foreach (var missing in uids.Except(found.Items.Select(uid)).Except(found.Unreadable)) remove(missing);
        }

        foreach (var item in found.Items) put(item);
    }

    [LoggerMessage(EventId = 214, Level = LogLevel.Information, Message = "Loaded {Services} services and {FloatingIPs} floating IPs at position {Position}")]
    private partial void LogLoaded(int services, int floatingIPs, FeedPosition position);

    [LoggerMessage(EventId = 215, Level = LogLevel.Warning, Message = "Everything was read anew after a fail-over or a restore of the database: {Services} services and {FloatingIPs} floating IPs")]
    private partial void LogEpoch(int services, int floatingIPs);

    [LoggerMessage(EventId = 216, Level = LogLevel.Warning, Message = "The change feed no longer begins before {Position}: everything is read again")]
    private partial void LogBehind(FeedPosition position);
}
