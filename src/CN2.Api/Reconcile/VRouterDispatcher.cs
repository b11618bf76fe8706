using System.Net;
using CN2.Api.Drivers;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Network.Sequencing;

namespace CN2.Api.Reconcile;

/// <summary>
/// Tells each connected vRouter what it must do: the whole once it has connected, then only what changed. Entries come from the
/// sequencer, the drop set from the addresses anybody holds, probes from the endpoints with a health check.
/// </summary>
public sealed class VRouterDispatcher(IVRouterPublisher publisher, VirtualRouterLedger ledger, RouteSequencer sequencer)
{
    private readonly HashSet<string> _newcomers = [];
    private readonly Dictionary<IPAddress, int> _floatingIPs = [];
    private readonly HashSet<IPAddress> _changedFloatingIPs = [];
    private readonly Dictionary<Guid, (string VirtualRouter, VRouterProbe Probe)> _probes = [];
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

    /// <summary>Somebody holds this address: what is not translated for it is dropped everywhere.</summary>
    public void Hold(IPAddress address)
    {
        _floatingIPs[address] = _floatingIPs.GetValueOrDefault(address) + 1;
        _changedFloatingIPs.Add(address);
    }

    /// <summary>A holder is gone; the address leaves the drop set with its last one.</summary>
    public void Free(IPAddress address)
    {
        if (!_floatingIPs.TryGetValue(address, out var holders)) return;
        if (holders > 1) _floatingIPs[address] = holders - 1;
        else _floatingIPs.Remove(address);
        _changedFloatingIPs.Add(address);
    }

    /// <summary>What to probe at an endpoint, or null: nothing any more.</summary>
    public void SetProbe(Guid endpoint, (string VirtualRouter, VRouterProbe Probe)? wanted)
    {
        if (_probes.TryGetValue(endpoint, out var had))
        {
            // The state to start from moves with every report; it is no reason to send the probe again, unless it was forgotten.
            var forgotten = wanted?.Probe.LastKnown == EndpointHealth.Unknown;
            if (!forgotten && wanted is { } w && w.VirtualRouter == had.VirtualRouter && (w.Probe with { LastKnown = had.Probe.LastKnown }) == had.Probe)
            {
                _probes[endpoint] = w;
                return;
            }

            ChangedProbesOf(had.VirtualRouter).Add(endpoint);
            _probes.Remove(endpoint);
        }

        if (wanted is not { } probe) return;
        _probes[endpoint] = probe;
        ChangedProbesOf(probe.VirtualRouter).Add(endpoint);
    }

    /// <summary>Sends what has been collected since the last flush.</summary>
    public void Flush()
    {
        var frontends = sequencer.TakeFrontends();
        foreach (var account in ledger.Accounts.ToList())
        {
            frontends.TryGetValue(account.Name, out var changes);
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
            if (changes is null && probes is null && _changedFloatingIPs.Count == 0) continue;
            var next = ledger.NextRevision(account);
            if (account.Counts) account.Told(new AckMark(next, ledger.MarkPosition), ledger.ToldUpTo, owners);
            if (account.ConnectedHere) publisher.Publish(account.Name, next, DeltaOf(account.Name, changes, probes));
        }

        _changedFloatingIPs.Clear();
        _changedProbes.Clear();
        ledger.Flushed();
    }

    private VRouterConfig WholeOf(string name) => new(
        [.. sequencer.EntriesOf(name)],
        [.. _floatingIPs.Keys],
        [.. _probes.Values.Where(p => p.VirtualRouter == name).Select(p => p.Probe)]);

    private VRouterDelta DeltaOf(string name, FrontendChanges? changes, HashSet<Guid>? probes)
    {
        bool Probes(Guid endpoint) => _probes.TryGetValue(endpoint, out var p) && p.VirtualRouter == name;
        return new VRouterDelta(
            changes?.Put.Values ?? (IReadOnlyCollection<VirtualRouterFrontend>)[],
            [.. _changedFloatingIPs.Where(_floatingIPs.ContainsKey)],
            [.. (probes ?? []).Where(Probes).Select(e => _probes[e].Probe)],
            changes?.Removed ?? (IReadOnlyCollection<FrontendKey>)[],
            [.. _changedFloatingIPs.Where(a => !_floatingIPs.ContainsKey(a))],
            [.. (probes ?? []).Where(e => !Probes(e))]);
    }

    private HashSet<Guid> ChangedProbesOf(string name)
    {
        if (!_changedProbes.TryGetValue(name, out var changed)) _changedProbes[name] = changed = [];
        return changed;
    }
}
