using CN2.Api.Data.Documents;
using CN2.Network.Compilation;
using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>Applies a row that was read: changes the resource in memory, and informs the parts of the reconciler that depend on it.</summary>
internal sealed class ResourceChanges(
    LoopState state, Retirements retirements, AddressOwners owners, Deletions deletions, PendingServices pending, SpeakerDispatcher speaker, AgentProgress progress)
{
    private readonly FormerHolders _formerHolders = new(state);

    /// <summary>vRouters whose agents may have answered another replica, since the last <see cref="TakeAnswers"/>.</summary>
    private readonly HashSet<string> _answeredElsewhere = [];

    /// <summary>FloatingIPs that the database has and that are not taken yet (<see cref="FormerHolders"/>).</summary>
    public IEnumerable<Guid> WaitingFloatingIPs => _formerHolders.Waiting;

    public void Put(ExternalNetwork network)
    {
        if (state.Resources.ExternalNetwork(network.Uid)?.FabricForwarding != network.FabricForwarding) Moves(network.Uid);
        state.Resources.Put(network);
        speaker.Put(network);
        pending.NetworkChanged(network.Uid);
    }

    private void Moves(Guid network)
    {
        owners.Held.ForwardingChanged(network);
        owners.Flows.ForwardingChanged(network);
    }

    public void RemoveExternalNetwork(Guid uid)
    {
        state.Resources.RemoveExternalNetwork(uid);
        speaker.RemoveNetwork(uid);
    }

    public void Put(Service service)
    {
        state.Resources.Put(service);
        deletions.Put(service);
        pending.Put(service);
        foreach (var floatingIP in retirements.Reconsider(service.Uid)) state.Resources.Put(floatingIP);
        state.Statuses.Add(service.Uid);
    }

    public void RemoveService(Guid uid)
    {
        state.Resources.RemoveService(uid);
        deletions.RemoveService(uid);
        pending.Remove(uid);
        state.Statuses.Forget(uid);
    }

    public void Put(FloatingIP floatingIP)
    {
        if (_formerHolders.MustWait(floatingIP)) return;
        if (state.Resources.TryGetFloatingIP(floatingIP.Uid)?.HasInfrastructureAddress != floatingIP.HasInfrastructureAddress) owners.Held.Changed(floatingIP.Uid);
        state.Resources.Put(retirements.Filter(floatingIP));
        owners.Flows.Changed(floatingIP.Uid);
        deletions.Put(floatingIP);
        state.Statuses.Add(floatingIP.Service ?? floatingIP.Uid);
    }

    public void RemoveFloatingIP(Guid uid)
    {
        _formerHolders.Removed(uid);
        owners.Held.Removed(uid);
        owners.Flows.Changed(uid);
        state.Resources.RemoveFloatingIP(uid);
        retirements.Forget(uid);
        deletions.RemoveFloatingIP(uid);
        speaker.Forget(uid);
        state.Statuses.Forget(uid);
        state.Others.Clear(uid);
        state.Refused.Forget(uid);
    }

    /// <summary>FloatingIPs that a Service was leaving, and whose successor serves now, go (<see cref="Retirements"/>). True: there are some.</summary>
    public bool Retire(IReadOnlyCollection<Guid> touchedOwners)
    {
        var due = retirements.Due(touchedOwners);
        foreach (var floatingIP in due) Put(floatingIP with { Deleting = true });
        return due.Count > 0;
    }

    /// <summary>Takes the FloatingIPs whose address nobody else has in the routers' tables any more.</summary>
    public void TakeWaiting()
    {
        foreach (var floatingIP in _formerHolders.TakeDue()) Put(floatingIP);
    }

    public void Put(VirtualMachineInterface endpoint)
    {
        var old = state.Resources.TryGetVirtualMachineInterface(endpoint.Uid);
        if (old is not null && (!old.Addresses.Equals(endpoint.Addresses) || old.VirtualRouter != endpoint.VirtualRouter)) owners.Flows.Removed(old);
        owners.Flows.Put(endpoint);
        owners.Inside.Replace(old, endpoint);
        state.Resources.Put(endpoint);
    }

    public void RemoveVirtualMachineInterface(Guid uid)
    {
        if (state.Resources.TryGetVirtualMachineInterface(uid) is { } endpoint)
        {
            owners.Flows.Removed(endpoint);
            owners.Inside.Replace(endpoint, null);
        }

        state.Resources.RemoveVirtualMachineInterface(uid);
    }

    public void Put(ServiceHealthCheck check) => state.Resources.Put(check);

    public void RemoveServiceHealthCheck(Guid uid) => state.Resources.RemoveServiceHealthCheck(uid);

    public void Put(VirtualRouterState router)
    {
        var account = state.Ledger.Open(router.Router.Name);
        if (router.Router.Lost && !account.Lost && !account.ConnectedHere) account.GiveUp();
        if (router.Router.Lost != account.Lost || router.Held != account.Held) state.Statuses.Add(account.Awaited);
        if (router.Held != account.Held) state.Statuses.Add(deletions.Owners);
        (account.Lost, account.Held) = (router.Router.Lost, router.Held);
        if (router is { Vanished: true, Held: false, Router.Lost: false }) state.Ledger.HasVanished = true;
        account.ConnectedElsewhere = router.Connected && router.ControlNode != state.Self;
        account.AnsweredElsewhere = account.ConnectedElsewhere && router.Applied is not null;
        // What a replica has said of all its agents may be newer than what it wrote of this one. It takes nothing of that back while the agent is there.
        var known = account.AnsweredElsewhere && account.ControlNode == router.ControlNode ? account.RemoteReading : 0;
        account.ControlNode = router.ControlNode;
        owners.Inside.Replace(state.Resources.TryGetVirtualRouter(router.Router.Uid), router.Router);
        state.Resources.Put(router.Router);
        if (!account.ConnectedHere && account.Refused.Document != router.Refused) progress.SetRefused(account, RefusedItems.Parse(router.Refused));
        if (!account.ConnectedHere) progress.SetForwarding(account, NodeForwarding.Parse(router.Forwarding));
        if (router.ControlNode != state.Self) progress.SayHelloAgain(account);
        else if (router.Connected && !account.ConnectedHere) progress.SayAgainThatItLeft(account);
        if (state.Ledger.HasRead(router.Applied)) account.AppliedElsewhere(Math.Max(known, state.Ledger.Feed.CoveredBy(router.Applied)));
        if (account.ConnectedElsewhere) _answeredElsewhere.Add(account.Name);
        // The agent was marked as lost after it had come back and acknowledged everything.
        if (account is { Lost: true, ConnectedHere: true, Answered: true }) progress.Save(account, atOnce: true);
    }

    /// <summary>Takes what all agents of another replica have applied. Their rows must have been read in the same reading, or be as they were: they say which agents those are.</summary>
    public void Put(AgentsApplied applied)
    {
        if (applied.ControlNode == state.Self || !state.Ledger.HasRead(applied.Position)) return;
        var reading = state.Ledger.Feed.CoveredBy(applied.Position);
        foreach (var account in state.Ledger.Accounts)
        {
            // Something sent since then may be covered by what was known before.
            if (!account.IsOneOf(applied) || (account.RemoteReading >= reading && !account.IsBehind)) continue;
            account.AppliedElsewhere(Math.Max(account.RemoteReading, reading));
            _answeredElsewhere.Add(account.Name);
        }
    }

    /// <summary>
    /// Announces what agents at other replicas have acknowledged. After everything that was read is compiled, because their answer is about the same
    /// reading: of two changes that came together the agent may never have had the entries of the first one.
    /// </summary>
    public void TakeAnswers(DateTimeOffset now)
    {
        foreach (var name in _answeredElsewhere) state.Sequencer.Acknowledged(name, now);
        _answeredElsewhere.Clear();
    }

    public void RemoveVirtualRouter(Guid uid)
    {
        if (state.Resources.TryGetVirtualRouter(uid) is not { } router) return;
        owners.Inside.Replace(router, null);
        state.Resources.RemoveVirtualRouter(uid);
        if (state.Ledger.Find(router.Name) is not { } account) return;
        if (account.ConnectedHere) progress.SayHelloAgain(account);
        else state.ForgetVirtualRouter(router.Name);
    }

    public void Put(PeersRead peers) => speaker.SetPeers(peers);

    /// <summary>
    /// After a fail-over or a restore everything was read anew. What this replica had written may be missing: its announcements and sessions,
    /// who is connected here and how far, and statuses.
    /// </summary>
    public void EpochBegan()
    {
        speaker.DatabaseChanged();
        state.Statuses.ForgetDrafts();
        progress.Reintroduce();
    }

    /// <summary>Other replicas announce these FloatingIPs as the rows say, and as nothing else.</summary>
    public void PutAnnouncements(IReadOnlyCollection<Guid> floatingIPs, IEnumerable<(Guid FloatingIP, string ControlNode, RouteKey[] Paths)> rows)
    {
        foreach (var floatingIP in floatingIPs) state.Others.Clear(floatingIP);
        foreach (var (floatingIP, controlNode, paths) in rows) state.Others.Set(floatingIP, controlNode, paths);
        foreach (var floatingIP in floatingIPs)
        {
            if (state.Resources.TryGetFloatingIP(floatingIP) is { } known) state.Statuses.Add(known.Service ?? known.Uid);
        }
    }

    /// <summary>These rows are all that other replicas announce.</summary>
    public void ReplaceAnnouncements(IEnumerable<(Guid FloatingIP, string ControlNode, RouteKey[] Paths)> rows)
    {
        state.TouchAnnouncedElsewhere(); // no row may be left of some of it
        state.Others.Clear();
        foreach (var (floatingIP, controlNode, paths) in rows) state.Others.Set(floatingIP, controlNode, paths);
        state.ReachedPeersChanged();
    }

    /// <summary>Something was freed or added that a pending Service may want.</summary>
    public void SomethingMayFit() => pending.SomethingMayFit();
}
