using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Network.Compilation;
using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <content>What the database says: everything at the start, then what the feed names.</content>
public sealed partial class Reconciler
{
    private async Task<bool> TakeFeedAsync(CancellationToken ct)
    {
        var now = _time.GetUtcNow();
        if (now - _horizonSeen > HorizonInterval)
        {
            if ((await _feed.HorizonAsync(ct)).CompareTo(_position) > 0)
            {
                LogBehind(_logger, _position);
                await TakeAllAsync(ct); // all or nothing: it reads before it takes
            }

            _horizonSeen = now;
        }

        var changes = await _feed.ReadAsync(_position, FeedPage, ct);
        var more = changes.Count == FeedPage;
        if (changes.Count > 0)
        {
            _midPage = true;
            await TakeChangesAsync(changes, more, ct);
        }

        _midPage = false;
        if (now - _remoteSeen >= RemoteInterval && AwaitedElsewhere() is { Length: > 0 } awaited)
        {
            foreach (var router in await _reader.VirtualRoutersAsync(awaited, ct)) Put(router);
            _remoteSeen = now;
        }

        return more;
    }

    /// <summary>vRouters whose agents dialled another replica and for which something waits here.</summary>
    private Guid[] AwaitedElsewhere() =>
        [.. _ledger.Accounts.Where(a => a is { ConnectedElsewhere: true, ConnectedHere: false } && (a.IsBehind || _sequencer.Awaits(a.Name)))
            .Select(a => _state.VirtualRouter(a.Name)?.Uid).OfType<Guid>()];

    /// <summary>Everything from the database, and what earlier lives of this replica left behind.</summary>
    private async Task LoadAsync(CancellationToken ct)
    {
        await _virtualRouters.DisconnectAsync(_self, null, ct);
        _peersHeldBack = await _speakerWorker.LoadAsync(ct);
        await TakeAllAsync(ct);
        _horizonSeen = _time.GetUtcNow();
        Compile(_horizonSeen);
        LogLoaded(_logger, _state.ServiceCount, _state.FloatingIPs.Count, (long)_position.Xid);
    }

    /// <summary>The database as it is, whatever was known before.</summary>
    private async Task TakeAllAsync(CancellationToken ct)
    {
        var all = await _reader.ReadAllAsync(ct);
        var announced = await _controlNodes.AnnouncedByOthersAsync(_self, null, ct);
        var newest = await _reader.NewestChangeAsync(ct);
        _position = all.Position;
        _ledger.Position = (long)_position.Xid;
        _ledger.MarkPosition = (long)newest;
        Replace([.. _state.ExternalNetworks.Select(n => n.Uid)], all.ExternalNetworks, n => n.Uid, Put, RemoveExternalNetwork);
        Replace([.. _state.VirtualRouters.Select(r => r.Uid)], all.VirtualRouters, r => r.Router.Uid, Put, RemoveVirtualRouter);
        Replace([.. _state.ServiceHealthChecks.Select(h => h.Uid)], all.ServiceHealthChecks, h => h.Uid, _state.Put, _state.RemoveServiceHealthCheck);
        Replace([.. _state.VirtualMachineInterfaces.Select(v => v.Uid)], all.VirtualMachineInterfaces, v => v.Uid, _state.Put, _state.RemoveVirtualMachineInterface);
        Replace([.. _state.Services.Select(s => s.Uid)], all.Services, s => s.Uid, Put, RemoveService);
        Replace([.. _state.FloatingIPs.Select(f => f.Uid)], all.FloatingIPs, f => f.Uid, Put, RemoveFloatingIP);
        _peers = all.BgpPeers;
        PostPeers();
        TakeAnnounced(announced);
        _duties.SomethingMayFit();
    }

    private void TakeAnnounced(IEnumerable<(Guid FloatingIP, string ControlNode, RouteKey[] Paths)> announced)
    {
        _others.Clear();
        foreach (var (floatingIP, node, paths) in announced) _others.Set(floatingIP, node, paths);
        RoutesReachOthers();
    }

    /// <param name="more">The page is full: its last transaction may go on in the next.</param>
    private async Task TakeChangesAsync(List<ChangeRow> changes, bool more, CancellationToken ct)
    {
        foreach (var kind in changes.Where(Concerns).GroupBy(c => c.Kind))
        {
            var uids = kind.Select(c => c.Uid).Distinct().ToArray();
            switch (kind.Key)
            {
                case ResourceKind.ExternalNetwork:
                    Replace(uids, await _reader.ExternalNetworksAsync(uids, ct), n => n.Uid, Put, RemoveExternalNetwork);
                    break;
                case ResourceKind.Service:
                    Replace(uids, await _reader.ServicesAsync(uids, ct), s => s.Uid, Put, RemoveService);
                    break;
                case ResourceKind.FloatingIP:
                    Replace(uids, await _reader.FloatingIPsAsync(uids, ct), f => f.Uid, Put, RemoveFloatingIP);
                    break;
                case ResourceKind.VirtualMachineInterface:
                    Replace(uids, await _reader.VirtualMachineInterfacesAsync(uids, ct), v => v.Uid, _state.Put, _state.RemoveVirtualMachineInterface);
                    break;
                case ResourceKind.VirtualRouter:
                    Replace(uids, await _reader.VirtualRoutersAsync(uids, ct), r => r.Router.Uid, Put, RemoveVirtualRouter);
                    break;
                case ResourceKind.ServiceHealthCheck:
                    Replace(uids, await _reader.ServiceHealthChecksAsync(uids, ct), h => h.Uid, _state.Put, _state.RemoveServiceHealthCheck);
                    break;
                case ResourceKind.BgpRouter:
                    _peers = await _reader.BgpPeersAsync(ct);
                    PostPeers();
                    break;
                case ResourceKind.ControlNode:
                    await HearControlNodesAsync([.. kind.Where(c => c.Name != _self)], ct);
                    break;
                default:
                    break;
            }
        }

        var newest = _others.Any ? await _reader.NewestChangeAsync(ct) : 0;
        if (changes.Exists(c => !c.StatusOnly && FreesOrGives(c))) _duties.SomethingMayFit();
        _position = new FeedPosition(changes[^1].Xid, changes[^1].Id);
        _ledger.Position = (long)_position.Xid - (more ? 1 : 0);
        _ledger.MarkPosition = Math.Max((long)_position.Xid, (long)newest);
    }

    /// <summary>Status alone concerns watchers; what replicas and agents report is read all the same.</summary>
    private static bool Concerns(ChangeRow change) =>
        !change.StatusOnly || change.Kind is ResourceKind.ControlNode or ResourceKind.VirtualRouter;

    /// <summary>A pending Service may be served after it.</summary>
    private static bool FreesOrGives(ChangeRow change) =>
        change.Kind is ResourceKind.Namespace or ResourceKind.ExternalNetwork or ResourceKind.ExternalNetworkSelector
        || (change.Kind is ResourceKind.FloatingIP or ResourceKind.Service && change.Verb == ChangeVerb.Deleted);

    private void Put(ExternalNetwork network)
    {
        if (_state.ExternalNetwork(network.Uid)?.FabricForwarding != network.FabricForwarding)
            _holdsDue.UnionWith(_state.FloatingIPsOfNetwork(network.Uid).Select(f => f.Uid));
        _state.Put(network);
        if (_instances.Put(network)) PostImport();
        _duties.NetworkChanged(network.Uid);
    }

    private void RemoveExternalNetwork(Guid uid)
    {
        _state.RemoveExternalNetwork(uid);
        if (_instances.Remove(uid)) PostImport();
    }

    private void Put(Service service)
    {
        _state.Put(service);
        _duties.Note(service);
        foreach (var floatingIP in _retirements.Reconsider(service.Uid)) _state.Put(floatingIP);
        _statusDue.Add(service.Uid);
    }

    private void RemoveService(Guid uid)
    {
        _state.RemoveService(uid);
        _duties.ForgetService(uid);
        _statuses.Forget(uid);
    }

    private void Put(FloatingIP floatingIP)
    {
        if (_state.TryGetFloatingIP(floatingIP.Uid) is null) _holdsDue.Add(floatingIP.Uid);
        _state.Put(_retirements.Filter(floatingIP));
        _duties.Note(floatingIP);
        _statusDue.Add(floatingIP.Service ?? floatingIP.Uid);
    }

    private void RemoveFloatingIP(Guid uid)
    {
        _dispatcher.Free(uid);
        _state.RemoveFloatingIP(uid);
        _retirements.Forget(uid);
        _duties.ForgetFloatingIP(uid);
        _statuses.Forget(uid);
        _others.Clear(uid);
        _releasing.Remove(uid);
    }

    private void Put(VirtualRouterState router)
    {
        var account = _ledger.Open(router.Router.Name);
        if (router.Router.Lost && !account.Lost && !account.ConnectedHere) _statusDue.UnionWith(account.GiveUp());
        if (router.Router.Lost != account.Lost) _statusDue.UnionWith(account.Awaited);
        account.Lost = router.Router.Lost;
        account.ConnectedElsewhere = router.Connected && router.ControlNode != _self;
        _state.Put(router.Router);
        _statusDue.UnionWith(account.AppliedElsewhere(router.AppliedPosition));
        if (account.ConnectedElsewhere) _sequencer.Acknowledged(account.Name, _time.GetUtcNow());
        // It was marked lost while it came back: it has answered already.
        if (account is { Lost: true, ConnectedHere: true, Answered: true }) SaveProgress(account, atOnce: true);
    }

    private void RemoveVirtualRouter(Guid uid)
    {
        if (_state.TryGetVirtualRouter(uid) is not { } router) return;
        _state.RemoveVirtualRouter(uid);
        if (_ledger.Find(router.Name) is { ConnectedHere: false }) CloseAccount(router.Name);
    }

    /// <summary>There is no such vRouter any more: nobody waits for it.</summary>
    private void CloseAccount(string name)
    {
        if (_ledger.Find(name) is { } account) _statusDue.UnionWith(account.GiveUp());
        _ledger.Close(name);
    }

    private async Task HearControlNodesAsync(IReadOnlyCollection<ChangeRow> changes, CancellationToken ct)
    {
        var floatingIPs = changes.Select(c => c.Uid).ToHashSet();
        if (floatingIPs.Contains(Guid.Empty))
        {
            TakeAnnounced(await _controlNodes.AnnouncedByOthersAsync(_self, null, ct));
        }
        else if (floatingIPs.Count > 0)
        {
            var announced = await _controlNodes.AnnouncedByOthersAsync(_self, floatingIPs, ct);
            foreach (var floatingIP in floatingIPs) _others.Clear(floatingIP);
            foreach (var (floatingIP, node, paths) in announced) _others.Set(floatingIP, node, paths);
            foreach (var floatingIP in floatingIPs)
            {
                if (_state.TryGetFloatingIP(floatingIP) is { } known) _statusDue.Add(known.Service ?? known.Uid);
            }
        }
    }
}
