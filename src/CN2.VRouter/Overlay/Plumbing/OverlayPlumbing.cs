using System.Net;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Overlay.Model;
using CN2.VRouter.Overlay.Native;

namespace CN2.VRouter.Overlay.Plumbing;

/// <summary>
/// The kernel's side of the overlay: devices, routes and rules, in the network namespace of the thread that makes it. Changes are
/// queued and go out together with <see cref="Commit"/>.
/// </summary>
internal sealed class OverlayPlumbing(string table, IPAddress address, Action<string> drift) : IDisposable
{
    private readonly RouteSocket _socket = new();
    private readonly byte[] _families = DeviceSysctls.HasIPv6 ? [Posix.FamilyIPv4, Posix.FamilyIPv6] : [Posix.FamilyIPv4];
    private PlumbingMonitor? _monitor;
    private int _mtu;

    /// <summary>Reads the MTU of the device that holds the node's address; whether ours has to change.</summary>
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

    /// <summary>Watches the device from now on, gives it its MTU and takes it up.</summary>
    public void SetUp(RoutingInstanceState instance)
    {
        _monitor!.Watch(instance.Device!.Index, instance.Device.Name, _mtu, instance.Table);
        Links.SetUp(_socket, instance.Device, _mtu);
    }

    /// <summary>What happens to the device and its routes from now on is not reported.</summary>
    public void Forget(IInstanceDevice device, uint routingTable) => _monitor?.Forget(device.Index, routingTable);

    /// <summary>Whether the device is still there, and under its name.</summary>
    public bool IsThere(IInstanceDevice device) => Links.Read(_socket, device.Index) is { } link && link.Name == device.Name;

    /// <summary>Whether it is up, with the right MTU and sysctls; the latter are put right.</summary>
    public bool IsSetUp(IInstanceDevice device)
    {
        DeviceSysctls.BeforeUp(device.Name);
        return Links.Read(_socket, device.Index) is { Up: true } link && link.Mtu == _mtu;
    }

    /// <summary>The prefixes that the kernel has for an instance.</summary>
    public HashSet<IPNetwork> ReadRoutes(RoutingInstanceState instance) =>
        [.. _families.SelectMany(family => OverlayRoutes.Read(_socket, family, instance.Table, instance.Device!.Index))];

    public void AddRoute(RoutingInstanceState instance, IPNetwork prefix)
    {
        if (Speaks(prefix)) OverlayRoutes.Add(_socket, instance.Table, instance.Device!.Index, prefix);
    }

    public void RemoveRoute(RoutingInstanceState instance, IPNetwork prefix)
    {
        if (Speaks(prefix)) OverlayRoutes.Remove(_socket, instance.Table, instance.Device!.Index, prefix);
    }

    public HashSet<OverlayRule> ReadRules() => [.. _families.SelectMany(family => OverlayRules.Read(_socket, family))];

    public IEnumerable<OverlayRule> RulesOf(int routingInstance) => _families.SelectMany(family => OverlayRule.Of(family, routingInstance));

    public IEnumerable<OverlayRule> Guards() => _families.Select(OverlayRule.Guard);

    public void Add(OverlayRule rule) => OverlayRules.Add(_socket, rule);

    public void Remove(OverlayRule rule) => OverlayRules.Remove(_socket, rule);

    public void Commit() => _socket.Commit();

    /// <summary>Removes every device of this name and every rule of ours; routes go with their devices.</summary>
    public void Flush()
    {
        foreach (var rule in ReadRules().OrderBy(r => r.Preference)) Remove(rule);
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

    private bool Speaks(IPNetwork prefix) => _families.Contains(RouteMessage.Family(prefix.BaseAddress));
}
