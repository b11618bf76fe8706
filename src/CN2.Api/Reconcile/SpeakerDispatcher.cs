using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Overlay;
using CN2.Network.Fencing;
using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>The loop's side of the speaker: posts jobs to the <see cref="SpeakerWorker"/> and handles its answers.</summary>
internal sealed partial class SpeakerDispatcher(
    LoopState state, StartupGate gate, SpeakerJobQueue jobs, RoutingInstances instances, OwnRows ownRows, IBgpSpeaker speaker, ILogger<SpeakerDispatcher> logger)
{
    /// <summary>FloatingIPs whose last route is withdrawn and whose entries the vRouters here may still have.</summary>
    private readonly HashSet<Guid> _releasing = [];
    private IReadOnlyList<BgpPeer> _peers = [];
    private bool _peersDue;
    private ExportFence? _fence;
    private bool _fenceDue;

    /// <param name="read">The whole set; a BgpRouter whose row cannot be read stays as it was, or as the engine has it.</param>
    public void SetPeers(PeersRead read)
    {
        IReadOnlyList<BgpPeer> peers = [.. read.Peers, .. read.Unreadable.Select(u => _peers.FirstOrDefault(p => p.Name == u.Name) ?? u)];
        _peers = peers;
        _peersDue = true;
        ownRows.SetRestartTime(peers.Select(p => p.IsUnreadable ? BgpPeer.LongestRestartTime : p.GracefulRestart ? p.RestartTime : 0).DefaultIfEmpty().Max());
    }

    public void Put(ExternalNetwork network)
    {
        _fenceDue = true;
        if (instances.Put(network)) PostImports();
    }

    public void RemoveNetwork(Guid network)
    {
        _fenceDue = true;
        if (instances.Remove(network)) PostImports();
    }

    /// <summary>The FloatingIP does not exist any more.</summary>
    public void Forget(Guid floatingIP) => _releasing.Remove(floatingIP);

    public void TakeImported() => instances.Apply(speaker.TakeImported());

    /// <summary>Paths reach other peers than before: the statuses of their owners say so.</summary>
    public void TakeMoved()
    {
        var moved = speaker.TakeMoved();
        if (moved.Count == 0) return;
        state.Statuses.Add(moved.Select(p => p.FloatingIP).Where(f => state.Resources.TryGetFloatingIP(f) is not null).Select(state.OwnerOf).Distinct());
        jobs.Post(new SpeakerJob.Renumber(moved));
    }

    public void Handle(SpeakerEvent speakerEvent)
    {
        switch (speakerEvent)
        {
            case SpeakerEvent.Started started:
                Adopt(started.Found);
                break;
            case SpeakerEvent.RoutesDone done:
                Take(done);
                break;
            case SpeakerEvent.LeftoversGone gone:
                _releasing.UnionWith(gone.FloatingIPs.Where(f => !state.Sequencer.MayBeInSpeaker(f)));
                break;
        }
    }

    public void Handle(ReplicaView view)
    {
        if (view.HasOthers != state.Others.Any || view.MustIntroduce || view.RowsLost)
            jobs.Post(new SpeakerJob.FollowReplicas(view.HasOthers, view.MustIntroduce, view.RowsLost));
        // The row that was made anew says that others may be missing.
        if (view.RowsLost) ownRows.RewriteOwed();
        if (state.Others.Take(view)) state.ReachedPeersChanged();
    }

    /// <summary>
    /// The database is not the one it was: rows that this replica wrote may be missing, and rows that it removed may be there again.
    /// </summary>
    public void DatabaseChanged()
    {
        jobs.Post(new SpeakerJob.FollowReplicas(state.Others.Any, Introduce: state.Others.Any, RewriteRows: true));
        ownRows.Rewrite();
    }

    /// <summary>Sends route changes, peers, and the FloatingIPs that nothing holds any more, as far as the start has come.</summary>
    public void Send()
    {
        if (gate.State.SpeakerStarted)
        {
            if (_fenceDue) PostFence();
            var routes = state.Sequencer.TakeRoutes();
            if (!routes.IsEmpty) jobs.Post(new SpeakerJob.ChangeRoutes(routes.Announce, routes.Withdraw));
            if (gate.State.PeersHeld && HaveAgentsAnswered()) gate.AgentsAnswered();
        }

        if (_peersDue && gate.State.ServesPeers)
        {
            jobs.Post(new SpeakerJob.SetPeers(_peers));
            _peersDue = false;
        }
    }

    /// <summary>Releases withdrawn FloatingIPs whose entries the vRouters here have dropped: only then may other replicas free the address.</summary>
    public void Release()
    {
        if (_releasing.Count == 0) return;
        var released = new List<Guid>();
        foreach (var floatingIP in _releasing)
        {
            if (state.Sequencer.MayBeInSpeaker(floatingIP))
            {
                _releasing.Remove(floatingIP); // it is announced again
            }
            else if (state.Sequencer.IsQuiet(floatingIP) && !IsAwaitedHere(state.OwnerOf(floatingIP)))
            {
                _releasing.Remove(floatingIP);
                released.Add(floatingIP);
            }
        }

        if (released.Count > 0) jobs.Post(new SpeakerJob.Release(released));
    }

    private bool IsAwaitedHere(Guid owner) => state.Ledger.AwaitedBy(owner).Any(a => a.ConnectedHere);

    private bool HaveAgentsAnswered() =>
        state.Ledger.Accounts.All(a => a.Lost || a.AppliedRevision > 0 || (a.ConnectedElsewhere && !state.Sequencer.Awaits(a.Name)));

    /// <summary>Before the speaker has started nothing is posted: the first set of routes brings the imports with it.</summary>
    private void PostImports()
    {
        if (gate.State.SpeakerStarted) jobs.Post(new SpeakerJob.SetImports(instances.ImportTargets));
    }

    /// <summary>The fence follows the networks and grants as they stand in the database, not what is announced.</summary>
    private void PostFence()
    {
        _fenceDue = false;
        var fence = ExportFence.Of(state.Resources.ExternalNetworks);
        if (fence == _fence) return;
        _fence = fence;
        jobs.Post(new SpeakerJob.SetFence(fence));
    }

    private void Take(SpeakerEvent.RoutesDone done)
    {
        var now = state.Clock.Now;
        state.Refused.Remove(done.Announced);
        state.Refused.Remove(done.Withdrawn);
        state.Refused.Add(done.Refused);
        state.Sequencer.Announced(done.Announced, now);
        state.Sequencer.Refused(done.Refused.Select(r => r.Route));
        state.Sequencer.Withdrawn(done.Withdrawn, now);
        foreach (var route in done.Withdrawn)
        {
            if (!state.Sequencer.MayBeInSpeaker(route.FloatingIP)) _releasing.Add(route.FloatingIP);
        }

        if (done.IsFirstSet) gate.FirstSetTaken(now);
    }

    /// <summary>The speaker answered for the first time: the paths that it holds and the resources want stay, everything else goes.</summary>
    private void Adopt(IReadOnlyCollection<BgpPath> found)
    {
        var floatingIPs = state.Resources.FloatingIPs.Where(f => f.Kind == FloatingIPKind.External).ToLookup(f => f.Address);
        var routers = state.Resources.VirtualRouters
            .SelectMany(r => new[] { r.Address, r.Address6 }.OfType<IPAddress>().Select(a => (Address: a, r.Name))).ToLookup(r => r.Address, r => r.Name);
        var adopted = 0;
        foreach (var path in found)
        {
            adopted += routers[path.NextHop].Sum(router => floatingIPs[path.Prefix].Count(f => state.Sequencer.Adopt(f.Uid, path.Key.Path.RoutingInstance, router)));
        }

        // AnnouncedRoutes is the full set. Withdrawals from before the speaker answered must be confirmed too: entries wait for that.
        var wanted = state.Sequencer.AnnouncedRoutes.ToList();
        var withdraw = state.Sequencer.TakeRoutes().Withdraw;
        if (withdraw.Count > 0)
        {
            var kept = wanted.Select(r => (r.FloatingIP, r.Path)).ToHashSet();
            withdraw = [.. withdraw.Where(r => !kept.Contains((r.FloatingIP, r.Path)))];
        }

        speaker.ExpectPeers(_peers);
        jobs.Post(new SpeakerJob.SetImports(instances.ImportTargets));
        PostFence();
        jobs.Post(new SpeakerJob.ReplaceAll(wanted, withdraw));
        gate.SpeakerAnswered(found.Count, adopted);
        LogStarted(found.Count, adopted);
    }

    [LoggerMessage(EventId = 231, Level = LogLevel.Information, Message = "The speaker answered: it holds {Found} paths, {Adopted} of them stay")]
    private partial void LogStarted(int found, int adopted);
}
