using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Resources;

namespace CN2.Network.Compilation;

/// <summary>
/// Where traffic arrives. <paramref name="Address"/> null: a node port, on any address of the node.
/// <paramref name="Protocol"/> null: every protocol and port of the address (a FloatingIP attached one to one).
/// <paramref name="RoutingInstance"/> 0: the underlay. Any other: only traffic in that VPN, because another network may use the same address.
/// Ordered by RoutingInstance, family, address (node ports first), protocol, port.
/// </summary>
public readonly record struct NatEntryKey(IPFamily Family, IPAddress? Address, TransportProtocol? Protocol, ushort Port, int RoutingInstance = 0)
    : IComparable<NatEntryKey>
{
    public int CompareTo(NatEntryKey other)
    {
        var order = RoutingInstance.CompareTo(other.RoutingInstance);
        if (order != 0) return order;
        order = Family.CompareTo(other.Family);
        if (order != 0) return order;
        order = (Address is null, other.Address is null) switch
        {
            (true, true) => 0,
            (true, false) => -1,
            (false, true) => 1,
            _ => AddressArithmetic.Compare(Address!, other.Address!),
        };
        if (order != 0) return order;
        order = ((int)(Protocol ?? 0)).CompareTo((int)(other.Protocol ?? 0));
        return order != 0 ? order : Port.CompareTo(other.Port);
    }

    public override string ToString()
    {
        var address = Address is null ? $"node port {Family}" : Family == IPFamily.IPv6 ? $"[{Address}]" : Address.ToString();
        var instance = RoutingInstance == 0 ? "" : $" in RoutingInstance {RoutingInstance}";
        return (Protocol is null ? $"{address} (one to one)" : $"{address} {Protocol}/{Port}") + instance;
    }
}
