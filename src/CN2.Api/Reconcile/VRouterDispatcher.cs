using System.Collections.Frozen;
using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Overlay;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.Network.Overlay;
using CN2.Network.Resources;
using CN2.Network.Sequencing;

namespace CN2.Api.Reconcile;

/// <summary>
/// Sends each connected vRouter its configuration: the whole once the agent has connected, then only changes. Entries come from the
/// sequencer, the drop set from the addresses that FloatingIPs hold, probes from the endpoints with a health check.
/// </summary>
internal sealed class VRouterDispatcher(
    IVRouterPublisher publisher, LoopState state, RoutingInstances instances, CarrierLists carriers, InsideNetworks inside, CommonPace pace, UnknownEntries unknown)
{
    /// <summary>Something other than NAT entries has changed for all.</summary>
    private bool HasCommonItems => _changedAddresses.Count + _changedAttachments.Count + _changedInside.Count + _changedCommonHolders.Count > 0;

    /// <summary>From then on vRouters without a change of their own may get the next changes for all.</summary>
    private DateTimeOffset _commonDueAt;

    /// <summary>vRouters that get their whole configuration with the next flush, but for those that must wait (<see cref="UnknownEntries"/>).</summary>
    private readonly HashSet<string> _newcomers = [];
    private IReadOnlySet<string> _waiting = FrozenSet<string>.Empty;

    /// <summary>FloatingIP → the address that it holds in the underlay.</summary>
    private readonly Dictionary<Guid, IPAddress> _holders = [];

    /// <summary>The drop set: address → how many FloatingIPs hold it.</summary>
    private readonly Dictionary<IPAddress, int> _dropSet = [];
    private readonly HashSet<IPAddress> _changedAddresses = [];

    /// <summary>vRouter → RoutingInstance → the entries there. The RoutingInstance goes with its last entry.</summary>
    private readonly Dictionary<string, Dictionary<int, HashSet<NatEntryKey>>> _carried = [];
    private readonly Dictionary<Guid, Probed> _probes = [];
    private readonly Dictionary<string, HashSet<Guid>> _changedProbes = [];

    /// <summary>FloatingIP → who it belongs to, of those that a user reserved.</summary>
    private readonly Dictionary<Guid, VRouterAttachment> _attachments = [];

    /// <summary>Null: there is none any more.</summary>
    private readonly Dictionary<VRouterAttachmentKey, VRouterAttachment?> _changedAttachments = [];
    private readonly HashSet<IPNetwork> _changedInside = [];

    /// <summary>
    /// So many addresses that changed hands are remembered, of a vRouter and of all. An agent that is here knows the oldest already; one that comes anew ends no flows
    /// for what was before it.
    /// </summary>
    private const int MostHolders = 10_000;

    /// <summary>Addresses that changed hands → the VirtualMachineInterface that has them.</summary>
    private readonly OrderedDictionary<IPAddress, VRouterEndpointHolder> _commonHolders = [];
    private readonly Dictionary<IPAddress, VRouterEndpointHolder> _changedCommonHolders = [];

    /// <summary>vRouter → addresses that changed hands there, and that other vRouters have too → the VirtualMachineInterface that has them.</summary>
    private readonly Dictionary<string, OrderedDictionary<IPAddress, VRouterEndpointHolder>> _endpointHolders = [];
    private readonly Dictionary<string, Dictionary<IPAddress, VRouterEndpointHolder>> _changedHolders = [];

    /// <summary>Owner → its entries for the snapshots, with what the driver has encoded of them.</summary>
    private readonly Dictionary<Guid, SharedNatEntries> _sharedEntries = [];

    /// <summary>What the last whole configurations had in common: a herd of agents comes in many flushes between which nothing changes. Null: something has changed.</summary>
    private CommonItems? _commonItems;

    /// <summary>The agent gets the whole configuration with the next flush.</summary>
    public void Connected(string name)
    {
        var account = state.Ledger.Open(name);
        if (account.Held) account.RestartPatience(state.Clock.Now);
        account.Connected();
        _newcomers.Add(name);
    }

    public void Disconnected(string name)
    {
        _newcomers.Remove(name);
        _carried.Remove(name); // an agent that comes back gets the whole
        if (state.Ledger.Find(name) is { } account) account.ConnectedHere = false;
    }

    /// <summary>A FloatingIP holds this address in the underlay: packets to it that no entry translates are dropped everywhere.</summary>
    public void Hold(Guid floatingIP, IPAddress address)
    {
        if (!_holders.TryAdd(floatingIP, address)) return;
        _commonItems = null;
        _dropSet[address] = _dropSet.GetValueOrDefault(address) + 1;
        _changedAddresses.Add(address);
    }

    /// <summary>A FloatingIP no longer holds its address in the underlay. The address leaves the drop set with its last holder.</summary>
    public void Free(Guid floatingIP)
    {
        if (!_holders.Remove(floatingIP, out var address)) return;
        _commonItems = null;
        var holders = _dropSet[address];
        if (holders > 1) _dropSet[address] = holders - 1;
        else _dropSet.Remove(address);
        _changedAddresses.Add(address);
    }

    /// <summary>Sets who a reserved FloatingIP belongs to; null: it is none, or that is not known.</summary>
    public void SetAttachment(Guid floatingIP, VRouterAttachment? attachment)
    {
        _commonItems = null;
        if (_attachments.TryGetValue(floatingIP, out var had))
        {
            if (had == attachment) return;
            // Another one may have taken over its address a moment ago.
            if (_changedAttachments.GetValueOrDefault(had.Key) is not { } taken || taken == had) _changedAttachments[had.Key] = null;
            _attachments.Remove(floatingIP);
        }

        if (attachment is null) return;
        _attachments[floatingIP] = attachment;
        _changedAttachments[attachment.Key] = attachment;
    }

    /// <summary>The address belongs to another VirtualMachineInterface than before: flows to the former one may be on any node.</summary>
    public void Reassigned(VRouterEndpointHolder holder)
    {
        foreach (var ofRouter in _endpointHolders.Values) ofRouter.Remove(holder.Address);
        foreach (var (name, ofRouter) in _changedHolders)
        {
            if (ofRouter.Remove(holder.Address) && ofRouter.Count == 0) _changedHolders.Remove(name);
        }

        _commonHolders.PutLast(holder.Address, holder, MostHolders);
        _changedCommonHolders[holder.Address] = holder;
    }

    /// <summary>The address belongs to another VirtualMachineInterface on this vRouter than before. It is somebody else's on others.</summary>
    public void Reassigned(string virtualRouter, VRouterEndpointHolder holder)
    {
        if (!_endpointHolders.TryGetValue(virtualRouter, out var ofRouter)) _endpointHolders[virtualRouter] = ofRouter = [];
        ofRouter.PutLast(holder.Address, holder, MostHolders);
        if (!_changedHolders.TryGetValue(virtualRouter, out var changed)) _changedHolders[virtualRouter] = changed = [];
        changed[holder.Address] = holder;
        // What all are to be told of this address is older, and must not come later.
        if (_changedCommonHolders.ContainsKey(holder.Address)) _commonDueAt = default;
    }

    /// <summary>
    /// Sets what to probe at an endpoint; null: nothing. The probe is sent again if the agent's last reported health differs from the
    /// stored one (the endpoint was on another vRouter when it was reported): the agent answers with its current result.
    /// </summary>
    public void SetProbe(Guid endpoint, (string VirtualRouter, VRouterProbe Probe)? wanted)
    {
        if (wanted is not null || _probes.ContainsKey(endpoint)) _commonItems = null;
        if (_probes.TryGetValue(endpoint, out var had))
        {
            if (wanted is { } w && w.VirtualRouter == had.VirtualRouter && w.Probe.LastKnown == had.Reported && w.Probe with { LastKnown = had.Probe.LastKnown } == had.Probe)
            {
                _probes[endpoint] = had with { Probe = w.Probe };
                return;
            }

            ChangedProbesOf(had.VirtualRouter).Add(endpoint);
            _probes.Remove(endpoint);
        }

        if (wanted is not { } probe) return;
        _probes[endpoint] = new(probe.VirtualRouter, probe.Probe, probe.Probe.LastKnown);
        ChangedProbesOf(probe.VirtualRouter).Add(endpoint);
    }

    /// <summary>The agent has reported a result of this probe.</summary>
    public void ProbeFound(string name, Guid endpoint, EndpointHealth health)
    {
        if (_probes.TryGetValue(endpoint, out var probed) && probed.VirtualRouter == name) _probes[endpoint] = probed with { Reported = health };
    }

    /// <summary>
    /// Sends what has changed since the last flush. The messages of one flush have one revision, so that agents that get the same get the same bytes. A vRouter with a
    /// change of its own gets it at once, and with it all that is there for it; changes for all reach the others at the pace of <see cref="CommonPace"/>. Answers
    /// when to call again for that, or null.
    /// </summary>
    public DateTimeOffset? Flush()
    {
        var now = state.Clock.Now;
        _waiting = unknown.Among(_newcomers, now);
        var vpnRoutes = instances.TakeChanged();
        var changedCarriers = carriers.TakeChanged();
        if (inside.TakeChanged() is { Count: > 0 } changedInside)
        {
            _commonItems = null;
            _changedInside.UnionWith(changedInside);
        }

        var reachesVpns = vpnRoutes.Count > 0 || state.Sequencer.CommonNatEntriesReachVpns;
        var isSomethingForAll = state.Sequencer.HasCommonNatEntries || HasCommonItems;
        if (reachesVpns || (isSomethingForAll && _commonDueAt <= now))
        {
            var time = pace.Of(state.Ledger.Accounts.Count(a => a.ConnectedHere));
            _commonDueAt = now + time;
            var natEntries = state.Sequencer.TakeNatEntries(pace.SharedFrom);
            state.Ledger.Unsent = state.Sequencer.OwnersOfCommonNatEntries;
            Send(state.Ledger.Accounts.ToList(), natEntries, vpnRoutes, reachesVpns, changedCarriers, isInTurn: time > TimeSpan.Zero);
            _changedAddresses.Clear();
            _changedAddresses.GiveBackRoom();
            _changedAttachments.Clear();
            _changedInside.Clear();
            _changedCommonHolders.Clear();
            isSomethingForAll = false;
        }
        else
        {
            HashSet<string> names = [.. state.Sequencer.ChangedVirtualRouters, .. _newcomers, .. _changedProbes.Keys, .. _changedHolders.Keys, .. changedCarriers.Keys];
            var natEntries = isSomethingForAll ? state.Sequencer.TakeNatEntriesFor(names, GetsDelta, pace.SharedFrom) : state.Sequencer.TakeNatEntries(pace.SharedFrom);
            state.Ledger.Unsent = state.Sequencer.OwnersOfCommonNatEntries;
            Send(names.Select(state.Ledger.Find).OfType<VirtualRouterLedger.Account>(), natEntries, vpnRoutes, reachesVpns, changedCarriers, isInTurn: false);
        }

        _changedProbes.Clear();
        _changedHolders.Clear();
        if (isSomethingForAll) return _commonDueAt;
        state.Ledger.MarkSent();
        return null;

        bool GetsDelta(string name) => !_newcomers.Contains(name) && state.Ledger.Find(name) is { ConnectedHere: true };
    }

    /// <summary>Sends these vRouters what is there for them.</summary>
    /// <param name="reachesVpns">Some of what is for all is in RoutingInstances, of which each vRouter has others.</param>
    /// <param name="isInTurn">There are many agents: those that get nothing but what is for all get it one after the other.</param>
    private void Send(
        IEnumerable<VirtualRouterLedger.Account> accounts, NatEntryChangeSet natEntries, IReadOnlyDictionary<VpnRouteKey, VpnRoute?> vpnRoutes, bool reachesVpns,
        IReadOnlyDictionary<string, HashSet<VRouterAttachmentKey>> changedCarriers, bool isInTurn)
    {
        var ledger = state.Ledger;
        VRouterDelta? common = null;
        CommonItems? whole = null;
        Sending? sharedByOwners = null;
        Sending? sharedByNone = null;
        var told = new HashSet<Sending>();
        ulong? sent = null;
        foreach (var account in accounts)
        {
            var isServed = account.ConnectedHere && !_waiting.Contains(account.Name);
            if (isServed && _newcomers.Remove(account.Name))
            {
                var revision = account.LastRevision = sent ??= ledger.NextRevision();
                Await(account, revision);
                account.SentWhole(revision);
                // It brings also what was sent before the agent dialled.
                foreach (var sending in account.Outstanding) Tell(sending);
                publisher.Publish(account.Name, revision, WholeOf(account.Name, whole ??= TakeCommonItems()));
                continue;
            }

            var probes = _changedProbes.GetValueOrDefault(account.Name);
            var holders = _changedHolders.GetValueOrDefault(account.Name);
            var hasOwn = probes is not null || holders is not null || changedCarriers.ContainsKey(account.Name);
            var isCommon = !hasOwn && !reachesVpns && natEntries.IsAlike(account.Name);
            if (!isServed) _carried.Remove(account.Name); // an agent that comes back gets the whole
            var changes = isServed ? natEntries.Of(account.Name) : null;
            var overlay = isCommon || !isServed ? OverlayDelta.None : OverlayOf(account.Name, changes, vpnRoutes);
            if (!natEntries.HasAny(account.Name) && !HasCommonItems && !hasOwn && overlay.IsEmpty) continue;
            var next = account.LastRevision = sent ??= ledger.NextRevision();
            // A connected agent answers also while its vRouter counts as lost, and must have answered this when that is over.
            if (account.Counts || account.ConnectedHere) Await(account, next);
            if (!isServed) continue;
            var delta = isCommon && common is not null ? common : DeltaOf(account.Name, changes, probes, overlay, changedCarriers);
            if (isCommon) common = delta;
            var isSent = isInTurn && isCommon ? publisher.PublishInTurn(account.Name, next, delta) : publisher.Publish(account.Name, next, delta);
            if (!isSent) publisher.Publish(account.Name, next, WholeOf(account.Name, whole ??= TakeCommonItems()));
        }

        // What many vRouters wait for is one: an owner must not cost as much as there are vRouters.
        void Await(VirtualRouterLedger.Account account, ulong revision)
        {
            Wait(account, natEntries.GetsEverywhere(account.Name) ? sharedByOwners ??= NewSending(revision, natEntries.OwnersEverywhere, isInTurn) : sharedByNone ??= NewSending(revision, [], isInTurn));
            if (natEntries.OwnersOnlyOf(account.Name) is { Count: > 0 } owners) Wait(account, NewSending(revision, owners, false, isOwn: true));
        }

        Sending NewSending(ulong revision, IReadOnlyCollection<Guid> owners, bool inTurn, bool isOwn = false) =>
            new(new AckMark(revision, ledger.Feed.Last), ledger.SentUpTo, owners, state.Clock.Now, ledger.SentReading) { IsInTurn = inTurn, IsOwn = isOwn };

        void Wait(VirtualRouterLedger.Account account, Sending sending)
        {
            account.Sent(sending);
            if (account.ConnectedHere) Tell(sending);
        }

        // Owners of what others get in a moment are told then.
        void Tell(Sending sending)
        {
            if (told.Add(sending)) state.Statuses.EntriesSent(sending.Owners.Where(o => !ledger.Unsent.Contains(o)));
        }
    }

    private VRouterConfig WholeOf(string name, CommonItems common)
    {
        var (owners, own) = state.Sequencer.OwnEntriesOf(name);
        var entries = new VirtualRouterNatEntries(common.NatEntries, owners, own);
        var carried = own.Select(e => e.Key).Concat(common.VpnKeys.Where(k => !owners.Contains(k.Owner)).Select(k => k.Key))
            .Where(k => k.RoutingInstance != 0).GroupBy(k => k.RoutingInstance).ToDictionary(g => g.Key, g => g.ToHashSet());
        _carried[name] = carried;
        var probes = common.Probes[name].ToList();
        foreach (var probe in probes) ProbeFound(name, probe.Uid, probe.LastKnown);
        return new(
            entries,
            common.FloatingIPs,
            probes,
            [.. carried.Keys.Select(Instance)],
            [.. carried.Keys.SelectMany(instances.RoutesOf)])
        {
            Attachments = common.Attachments,
            EndpointHolders = Holders(_commonHolders.Values, _endpointHolders.GetValueOrDefault(name)?.Values),
            Carriers = carriers.Of(name),
            Inside = common.Inside,
        };
    }

    /// <summary>What the whole configurations of this moment have in common.</summary>
    private CommonItems TakeCommonItems()
    {
        var version = state.Sequencer.CompiledVersion;
        if (_commonItems is { } items && items.Version == version) return items;
        var compiled = state.Sequencer.Compiled;
        foreach (var (owner, of) in compiled)
        {
            if (!_sharedEntries.TryGetValue(owner, out var shared) || shared.Compiled != of) _sharedEntries[owner] = new SharedNatEntries(of);
        }

        if (_sharedEntries.Count > compiled.Count) foreach (var gone in _sharedEntries.Keys.Where(o => !compiled.ContainsKey(o)).ToList()) _sharedEntries.Remove(gone);
        return _commonItems = new CommonItems(
            version,
            [.. _sharedEntries.Values],
            [.. compiled.Values.SelectMany(c => c.NatEntries.Where(e => e.Key.RoutingInstance != 0 && e.Elsewhere() is not null).Select(e => (c.Owner, e.Key)))],
            [.. _dropSet.Keys],
            [.. _attachments.Values],
            inside.All,
            _probes.Values.ToLookup(p => p.VirtualRouter, p => p.Probe));
    }

    /// <summary>Changes of the RoutingInstances on a vRouter: those that appear or go, and imported routes of the others.</summary>
    private OverlayDelta OverlayOf(string name, NatEntryChanges? changes, IReadOnlyDictionary<VpnRouteKey, VpnRoute?> vpnRoutes)
    {
        var delta = new OverlayDelta();
        if (!_carried.TryGetValue(name, out var carried)) _carried[name] = carried = [];
        foreach (var (key, route) in vpnRoutes)
        {
            if (!carried.ContainsKey(key.RoutingInstance)) continue;
            if (route is null) delta.RemovedRoutes.Add(key);
            else delta.Routes.Add(route);
        }

        foreach (var key in changes?.PutInVpns ?? [])
        {
            if (!carried.TryGetValue(key.RoutingInstance, out var keys))
            {
                carried[key.RoutingInstance] = keys = [];
                delta.Instances.Add(Instance(key.RoutingInstance));
                delta.Routes.AddRange(instances.RoutesOf(key.RoutingInstance));
            }

            keys.Add(key);
        }

        foreach (var key in changes?.RemovedFromVpns ?? [])
        {
            if (!carried.TryGetValue(key.RoutingInstance, out var keys) || !keys.Remove(key) || keys.Count > 0) continue;
            carried.Remove(key.RoutingInstance);
            delta.RemovedInstances.Add(key.RoutingInstance); // its routes go with it
        }

        return delta;
    }

    private static RoutingInstance Instance(int number) => new(number, MplsLabel.Of(number));

    private VRouterDelta DeltaOf(
        string name, NatEntryChanges? changes, HashSet<Guid>? probes, OverlayDelta overlay, IReadOnlyDictionary<string, HashSet<VRouterAttachmentKey>> changedCarriers)
    {
        var (putCarriers, removedCarriers) = carriers.Changed(name, changedCarriers);
        bool Probes(Guid endpoint) => _probes.TryGetValue(endpoint, out var p) && p.VirtualRouter == name;
        return new VRouterDelta(
            changes?.Put ?? [],
            [.. _changedAddresses.Where(_dropSet.ContainsKey)],
            [.. (probes ?? []).Where(Probes).Select(e => _probes[e].Probe)],
            changes?.Removed ?? [],
            [.. _changedAddresses.Where(a => !_dropSet.ContainsKey(a))],
            [.. (probes ?? []).Where(e => !Probes(e))])
        {
            CommonNatEntries = changes?.Common,
            RoutingInstances = overlay.Instances,
            VpnRoutes = overlay.Routes,
            RemovedRoutingInstances = overlay.RemovedInstances,
            RemovedVpnRoutes = overlay.RemovedRoutes,
            Attachments = [.. _changedAttachments.Values.OfType<VRouterAttachment>()],
            RemovedAttachments = [.. _changedAttachments.Where(a => a.Value is null).Select(a => a.Key)],
            EndpointHolders = Holders(_changedCommonHolders.Values, _changedHolders.GetValueOrDefault(name)?.Values),
            Carriers = putCarriers,
            RemovedCarriers = removedCarriers,
            Inside = [.. _changedInside.Where(inside.Contains)],
            RemovedInside = [.. _changedInside.Where(n => !inside.Contains(n))],
        };
    }

    /// <summary>An address that is in both has changed hands on this vRouter last, so that comes last.</summary>
    private static VRouterEndpointHolder[] Holders(IEnumerable<VRouterEndpointHolder> common, IEnumerable<VRouterEndpointHolder>? own) => [.. common, .. own ?? []];

    private HashSet<Guid> ChangedProbesOf(string name)
    {
        if (!_changedProbes.TryGetValue(name, out var changed)) _changedProbes[name] = changed = [];
        return changed;
    }

    /// <param name="Reported">The result that the agent reported last, or that it was sent since as a start.</param>
    private sealed record Probed(string VirtualRouter, VRouterProbe Probe, EndpointHealth Reported);

    /// <param name="Version">Of what the owners ask for.</param>
    /// <param name="VpnKeys">The keys in RoutingInstances that every vRouter has.</param>
    /// <param name="FloatingIPs">The drop set.</param>
    /// <param name="Probes">By vRouter.</param>
    private sealed record CommonItems(
        long Version, IReadOnlyList<SharedNatEntries> NatEntries, IReadOnlyList<(Guid Owner, NatEntryKey Key)> VpnKeys, IReadOnlyList<IPAddress> FloatingIPs,
        IReadOnlyList<VRouterAttachment> Attachments, IReadOnlyCollection<IPNetwork> Inside, ILookup<string, VRouterProbe> Probes);

    private sealed class OverlayDelta
    {
        public static readonly OverlayDelta None = new();

        public List<RoutingInstance> Instances { get; } = [];
        public List<VpnRoute> Routes { get; } = [];
        public List<int> RemovedInstances { get; } = [];
        public List<VpnRouteKey> RemovedRoutes { get; } = [];

        public bool IsEmpty => Instances.Count + Routes.Count + RemovedInstances.Count + RemovedRoutes.Count == 0;
    }
}
