using CN2.Network.Status;

namespace CN2.VRouter.Inspection;

/// <summary>Sysctls of the node that the agent needs and does not change.</summary>
internal static class ForwardingSettings
{
    /// <param name="ipv6">The node has an IPv6 address for endpoints.</param>
    /// <param name="tunnels">The node has RoutingInstances.</param>
    public static IEnumerable<NodeFault> Faults(bool ipv6, bool tunnels)
    {
        if (NodeFile.Word("/proc/sys/net/ipv4/ip_forward") == "0")
            yield return new NodeFault(NodeFaultReason.ForwardingOff, "net.ipv4.ip_forward is 0: nothing is forwarded to endpoints over IPv4; set it to 1", TrafficKinds.IPv4);
        if (ipv6 && NodeFile.Word("/proc/sys/net/ipv6/conf/all/forwarding") == "0")
            yield return new NodeFault(NodeFaultReason.ForwardingOff, "net.ipv6.conf.all.forwarding is 0: nothing is forwarded to endpoints over IPv6; set it to 1", TrafficKinds.IPv6);
        // The kernel uses the higher value of "all" and the device's own. Only the VPN's table knows the source of a packet from a tunnel.
        if (tunnels && NodeFile.Word("/proc/sys/net/ipv4/conf/all/rp_filter") == "1")
            yield return new NodeFault(NodeFaultReason.StrictReversePathFilter, "net.ipv4.conf.all.rp_filter is 1: packets out of VPNs are dropped; set it to 0 or 2", TrafficKinds.Vpn);
    }
}
