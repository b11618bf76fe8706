using System.Net;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Host;
using CN2.VRouter.Overlay.Model;

namespace CN2.VRouter.Overlay.Plumbing;

/// <summary>
/// The devices, routes and rules of the overlay in the kernel, in the network namespace of the thread that makes it. Changes are queued
/// until <see cref="Commit"/>.
/// </summary>
internal sealed class OverlayPlumbing(string table, IPAddress address, Action<string> drift) : IDisposable
{
    private readonly RouteSocket _socket = new();
    private readonly byte[] _families = DeviceSysctls.HasIPv6 ? [Posix.FamilyIPv4, Posix.FamilyIPv6] : [Posix.FamilyIPv4];
    private PlumbingMonitor? _monitor;
    private int _mtu;

    /// <summary>Reads the MTU of the device that holds the node's address; true: the MTU of the RoutingInstances' devices must change.</summary>
    public bool ReadUnderlay()
    {
        _monitor ??= new PlumbingMonitor(_socket.Port, drift);
        var link = Links.Holding(_socket, address)
            ?? throw new DataplaneException($"no device of this node has the address {address}: give the agent the address that routers reach it by");
        _monitor.WatchUnderlay(link);
        var mtu = link.Mtu - OverlayNumbers.TunnelOverhead;
        if (mtu == _mtu) return false;
        _mtu = mtu;
        return true;
    }

    /// <summary>Watches the device and its routing table from now on, sets its MTU and takes it up.</summary>
    public void SetUp(IInstanceDevice device, uint routingTable)
    {
        _monitor!.Watch(device.Index, device.Name, _mtu, routingTable);
        Links.SetUp(_socket, device, _mtu);
    }

    /// <summary>Changes of the device and its routes are no longer reported.</summary>
    public void Forget(IInstanceDevice device, uint routingTable) => _monitor?.Forget(device.Index, routingTable);

    /// <summary>Whether the device still exists, with its name.</summary>
    public bool IsThere(IInstanceDevice device) => Links.Read(_socket, device.Index) is { } link && link.Name == device.Name;

    /// <summary>Whether the device is up and has the right MTU. Its sysctls are corrected.</summary>
    public bool IsSetUp(IInstanceDevice device)
    {
        DeviceSysctls.BeforeUp(device.Name);
        return Links.Read(_socket, device.Index) is { Up: true } link && link.Mtu == _mtu;
    }

    /// <summary>Queues the rules and routes that must be in the kernel before packets meet the state after <paramref name="step"/>.</summary>
    /// <param name="instances">All RoutingInstances after the step.</param>
    /// <returns>The rules and routes that no packet needs once that state is published: for <see cref="Remove(StalePlumbing)"/>.</returns>
    public StalePlumbing Add<TInstance>(OverlayStep<TInstance> step, IReadOnlyCollection<TInstance> instances)
        where TInstance : RoutingInstanceState
    {
        var known = step.Whole ? ReadRules() : [];
        var (added, removed) = step.Whole ? CompareRoutes(instances) : (step.AddedRoutes, step.RemovedRoutes);
        // The guard comes first and is never removed: a flow can outlive its RoutingInstance, and must not reach the underlay then.
        if (instances.Count > 0 && (step.Whole || step.New.Count > 0))
        {
            foreach (var rule in Guards().Where(r => !known.Contains(r))) OverlayRules.Add(_socket, rule);
        }

        foreach (var instance in step.Whole ? instances : step.New)
        {
            foreach (var rule in RulesOf(instance))
            {
                if (!known.Remove(rule)) OverlayRules.Add(_socket, rule);
            }
        }

        foreach (var (instance, prefix) in added) AddRoute(instance, prefix, reason => step.Refuse(instance, prefix, reason));
        return new StalePlumbing([.. step.Whole ? known.Where(r => !r.IsGuard) : step.Gone.SelectMany(RulesOf)], removed);
    }

    /// <summary>Queues the removal of rules and routes that no packet needs any more.</summary>
    public void Remove(StalePlumbing stale)
    {
        foreach (var rule in stale.Rules) OverlayRules.Remove(_socket, rule);
        foreach (var (instance, prefix) in stale.Routes) RemoveRoute(instance, prefix);
    }

    public void Commit() => _socket.Commit();

    /// <summary>Removes every device with this table's name and every rule of the agent; routes go with their devices.</summary>
    public void Flush()
    {
        foreach (var rule in ReadRules().OrderBy(r => r.Preference)) OverlayRules.Remove(_socket, rule);
        Commit();
        foreach (var link in Links.All(_socket))
        {
            if (link.Kind is "tun" or "veth" && link.Name.StartsWith(table + "-", StringComparison.Ordinal) && int.TryParse(link.Name.AsSpan(table.Length + 1), out _))
                Links.Delete(_socket, link);
        }

        Commit();
    }

    public void Dispose()
    {
        _monitor?.Dispose();
        _socket.Dispose();
    }

    private HashSet<OverlayRule> ReadRules() => [.. _families.SelectMany(family => OverlayRules.Read(_socket, family))];

    private IEnumerable<OverlayRule> RulesOf(RoutingInstanceState instance) => _families.SelectMany(family => OverlayRule.Of(family, instance.Number));

    private IEnumerable<OverlayRule> Guards() => _families.Select(OverlayRule.Guard);

    /// <summary>The kernel's routes against the wanted ones.</summary>
    private (List<(RoutingInstanceState, IPNetwork)> Missing, List<(RoutingInstanceState, IPNetwork)> Unwanted) CompareRoutes(IReadOnlyCollection<RoutingInstanceState> instances)
    {
        var missing = new List<(RoutingInstanceState, IPNetwork)>();
        var unwanted = new List<(RoutingInstanceState, IPNetwork)>();
        foreach (var instance in instances)
        {
            var there = ReadRoutes(instance);
            missing.AddRange(instance.Prefixes.Where(prefix => !there.Remove(prefix)).Select(prefix => (instance, prefix)));
            unwanted.AddRange(there.Select(prefix => (instance, prefix)));
        }

        return (missing, unwanted);
    }

    private HashSet<IPNetwork> ReadRoutes(RoutingInstanceState instance) =>
        [.. _families.SelectMany(family => OverlayRoutes.Read(_socket, family, instance.Table, instance.Device!.Index))];

    private void AddRoute(RoutingInstanceState instance, IPNetwork prefix, Action<string> refused)
    {
        if (HasFamilyOf(prefix)) OverlayRoutes.Add(_socket, instance.Table, instance.Device!.Index, prefix, refused);
    }

    private void RemoveRoute(RoutingInstanceState instance, IPNetwork prefix)
    {
        if (HasFamilyOf(prefix)) OverlayRoutes.Remove(_socket, instance.Table, instance.Device!.Index, prefix);
    }

    private bool HasFamilyOf(IPNetwork prefix) => _families.Contains(Posix.FamilyOf(prefix.BaseAddress));
}
