using CN2.Network.Addressing;
using CN2.Network.Status;

namespace CN2.VRouter.Inspection;

/// <summary>Sysctls of the node that the agent needs and does not change: those of all interfaces, and of the uplinks.</summary>
internal sealed class ForwardingSettings(NodeUplinks uplinks)
{
    /// <param name="tunnels">The node has RoutingInstances.</param>
    public IEnumerable<NodeFault> Faults(bool tunnels)
    {
        foreach (var family in (IPFamily[])[IPFamily.IPv4, IPFamily.IPv6])
        {
            if (uplinks.Has(family))
                foreach (var fault in OfUplinks(family)) yield return fault;
        }

        // The kernel uses the higher value of "all" and the device's own. Only the VPN's table knows the source of a packet from a tunnel.
        if (tunnels && new DeviceSetting(IPFamily.IPv4, "all", "rp_filter") is { Value: "1" } filter)
            yield return new NodeFault(NodeFaultReason.StrictReversePathFilter, $"{filter.Name} is 1: packets out of VPNs are dropped; set it to 0 or 2", TrafficKinds.Vpn);
    }

    private IEnumerable<NodeFault> OfUplinks(IPFamily family)
    {
        var names = uplinks.Names.Order(StringComparer.Ordinal).ToList();
        if (ForwardingSwitch.IsOffForNode(family, names))
        {
            yield return Fault($"{ForwardingSwitch.NameForAll(family)} is 0: nothing is forwarded to endpoints over {family}; set it to 1", stops: true);
            yield break;
        }

        var off = names.Select(n => (Device: n, By: ForwardingSwitch.OffBy(family, n))).Where(s => s.By is not null).ToList();
        var holder = uplinks.HolderOf(family);
        foreach (var (device, by) in off)
        {
            // By an uplink that does not have the node's address, clients may come or not.
            var stops = device == holder || off.Count == names.Count;
            yield return Fault($"{by?.Name} is 0: what comes in by {device} is not forwarded to endpoints over {family}{(stops ? "" : ", if clients come by it")}; set it to 1", stops);
        }

        NodeFault Fault(string message, bool stops) => new(NodeFaultReason.ForwardingOff, message, family.Traffic(), stops);
    }
}
