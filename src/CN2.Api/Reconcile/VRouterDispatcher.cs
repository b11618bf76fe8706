using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Overlay;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.Network.Overlay;
using CN2.Network.Resources;
using CN2.Network.Sequencing;

namespace CN2.Api.Reconcile;

/// <summary>
/// Tells each connected vRouter what it must do: the whole once it has connected, then only what changed. Entries come from the
/// sequencer, the drop set from the addresses anybody holds, probes from the endpoints with a health check.
/// </summary>
public sealed class VRouterDispatcher(IVRouterPublisher publisher, VirtualRouterLedger ledger, RouteSequencer sequencer, RoutingInstances instances)
{
    private readonly HashSet<string> _newcomers = [];
    private readonly Dictionary<Guid, IPAddress> _holders = [];
    private readonly Dictionary<IPAddress, int> _floatingIPs = [];
    private readonly HashSet<IPAddress> _changedFloatingIPs = [];

    /// <summary>vRouter → RoutingInstance → the entries it has there: with the last one the RoutingInstance goes.</summary>
    private readonly Dictionary<string, Dictionary<int, HashSet<NatEntryKey>>> _carried = [];
    private readonly Dictionary<Guid, Probed> _probes = [];
    private readonly Dictionary<string, HashSet<Guid>> _changedProbes = [];

    /// <summary>The agent gets everything with the next flush.</summary>
    public void Connected(string name)
    {
        ledger.Open(name).Connected();
        _newcomers.Add(name);
    }

    public void Disconnected(string name)
    {
        _newcomers.Remove(name);
        if (ledger.Find(name) is { } account) account.ConnectedHere = false;
    }

    /// <summary>A FloatingIP holds this address in the underlay: what is not translated for it is dropped everywhere.</summary>
    public void Hold(Guid floatingIP, IPAddress address)
    {
        if (!_holders.TryAdd(floatingIP, address)) return;
        _floatingIPs[address] = _floatingIPs.GetValueOrDefault(address) + 1;
        _changedFloatingIPs.Add(address);
    }

    /// <summary>A FloatingIP no longer holds its address there; the address leaves the drop set with its last holder.</summary>
    public void Free(Guid floatingIP)
    {
        if (!_holders.Remove(floatingIP, out var address)) return;
        var holders = _floatingIPs[address];
        if (holders > 1) _floatingIPs[address] = holders - 1;
        else _floatingIPs.Remove(address);
        _changedFloatingIPs.Add(address);
    }

    /// <summary>
    /// What to probe at an endpoint, or null: nothing any more. A probe is sent again when the agent's last word is not what is saved
    /// (it was found while the endpoint was elsewhere, or forgotten since): the agent then tells what it knows.
    /// </summary>
    public void SetProbe(Guid endpoint, (string VirtualRouter, VRouterProbe Probe)? wanted)
    {
        if (_probes.TryGetValue(endpoint, out var had))
        {
            if (wanted is { } w && w.VirtualRouter == had.VirtualRouter && w.Probe.LastKnown == had.LastWord && w.Probe with { LastKnown = had.Probe.LastKnown } == had.Probe)
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

    /// <summary>An agent has found this.</summary>
    public void Found(string name, Guid endpoint, EndpointHealth health)
    {
        if (_probes.TryGetValue(endpoint, out var probed) && probed.VirtualRouter == name) _probes[endpoint] = probed with { LastWord = health };
    }

    /// <summary>Sends what has been collected since the last flush.</summary>
    public void Flush()
    {
        var natEntries = sequencer.TakeNatEntries();
        var vpnRoutes = instances.TakeChanged();
        foreach (var account in ledger.Accounts.ToList())
        {
            natEntries.TryGetValue(account.Name, out var changes);
            var owners = changes?.Owners ?? (IReadOnlyCollection<Guid>)[];
            if (_newcomers.Remove(account.Name))
            {
                var revision = ledger.NextRevision(account);
                account.Told(new AckMark(revision, ledger.MarkPosition), ledger.ToldUpTo, owners);
                account.ToldWhole(revision);
                publisher.Publish(account.Name, revision, WholeOf(account.Name));
                continue;
            }

            var probes = _changedProbes.GetValueOrDefault(account.Name);
            var overlay = OverlayOf(account, changes, vpnRoutes);
            if (changes is null && probes is null && _changedFloatingIPs.Count == 0 && overlay.IsEmpty) continue;
            var next = ledger.NextRevision(account);
            if (account.Counts) account.Told(new AckMark(next, ledger.MarkPosition), ledger.ToldUpTo, owners);
            if (account.ConnectedHere) publisher.Publish(account.Name, next, DeltaOf(account.Name, changes, probes, overlay));
        }

        _changedFloatingIPs.Clear();
        _changedProbes.Clear();
        ledger.Flushed();
    }

    private VRouterConfig WholeOf(string name)
    {
        var entries = sequencer.EntriesOf(name).ToList();
        var carried = entries.Where(e => e.Key.RoutingInstance != 0).GroupBy(e => e.Key.RoutingInstance).ToDictionary(g => g.Key, g => g.Select(e => e.Key).ToHashSet());
        _carried[name] = carried;
        var probes = _probes.Values.Where(p => p.VirtualRouter == name).Select(p => p.Probe).ToList();
        foreach (var probe in probes) Found(name, probe.Uid, probe.LastKnown);
        return new(
            entries,
            [.. _floatingIPs.Keys],
            probes,
            [.. carried.Keys.Select(Instance)],
            [.. carried.Keys.SelectMany(instances.RoutesOf)]);
    }

    /// <summary>What changes of the RoutingInstances a vRouter carries: those it begins or ceases to, and routes of the others.</summary>
    private OverlayDelta OverlayOf(VirtualRouterLedger.Account account, NatEntryChanges? changes, IReadOnlyDictionary<VpnRouteKey, VpnRoute?> vpnRoutes)
    {
        var delta = new OverlayDelta();
        if (!account.ConnectedHere)
        {
            _carried.Remove(account.Name); // whoever comes back gets the whole
            return delta;
        }

        if (!_carried.TryGetValue(account.Name, out var carried)) _carried[account.Name] = carried = [];
        foreach (var (key, route) in vpnRoutes)
        {
            if (!carried.ContainsKey(key.RoutingInstance)) continue;
            if (route is null) delta.RemovedRoutes.Add(key);
            else delta.Routes.Add(route);
        }

        foreach (var key in changes?.Put.Keys.Where(k => k.RoutingInstance != 0) ?? [])
        {
            if (!carried.TryGetValue(key.RoutingInstance, out var keys))
            {
                carried[key.RoutingInstance] = keys = [];
                delta.Instances.Add(Instance(key.RoutingInstance));
                delta.Routes.AddRange(instances.RoutesOf(key.RoutingInstance));
            }

            keys.Add(key);
        }

        foreach (var key in changes?.Removed.Where(k => k.RoutingInstance != 0) ?? [])
        {
            if (!carried.TryGetValue(key.RoutingInstance, out var keys) || !keys.Remove(key) || keys.Count > 0) continue;
            carried.Remove(key.RoutingInstance);
            delta.RemovedInstances.Add(key.RoutingInstance); // its routes go with it
        }

        return delta;
    }

    private static RoutingInstance Instance(int number) => new(number, MplsLabel.Of(number));

    private VRouterDelta DeltaOf(string name, NatEntryChanges? changes, HashSet<Guid>? probes, OverlayDelta overlay)
    {
        bool Probes(Guid endpoint) => _probes.TryGetValue(endpoint, out var p) && p.VirtualRouter == name;
        return new VRouterDelta(
            changes?.Put.Values ?? (IReadOnlyCollection<VirtualRouterNatEntry>)[],
            [.. _changedFloatingIPs.Where(_floatingIPs.ContainsKey)],
            [.. (probes ?? []).Where(Probes).Select(e => _probes[e].Probe)],
            changes?.Removed ?? (IReadOnlyCollection<NatEntryKey>)[],
            [.. _changedFloatingIPs.Where(a => !_floatingIPs.ContainsKey(a))],
            [.. (probes ?? []).Where(e => !Probes(e))])
        {
            RoutingInstances = overlay.Instances,
            VpnRoutes = overlay.Routes,
            RemovedRoutingInstances = overlay.RemovedInstances,
            RemovedVpnRoutes = overlay.RemovedRoutes,
        };
    }

    private HashSet<Guid> ChangedProbesOf(string name)
    {
        if (!_changedProbes.TryGetValue(name, out var changed)) _changedProbes[name] = changed = [];
        return changed;
    }

    /// <param name="LastWord">What the agent told last, or was told since to start from.</param>
    private sealed record Probed(string VirtualRouter, VRouterProbe Probe, EndpointHealth LastWord);

    private sealed class OverlayDelta
    {
        public List<RoutingInstance> Instances { get; } = [];
        public List<VpnRoute> Routes { get; } = [];
        public List<int> RemovedInstances { get; } = [];
        public List<VpnRouteKey> RemovedRoutes { get; } = [];

        public bool IsEmpty => Instances.Count + Routes.Count + RemovedInstances.Count + RemovedRoutes.Count == 0;
    }
}
