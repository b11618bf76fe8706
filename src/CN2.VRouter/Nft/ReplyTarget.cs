using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Resources;

namespace CN2.VRouter.Nft;

/// <summary>
/// An endpoint of this node that flows of FloatingIPs or cluster IPs are translated to. <paramref name="Protocol"/> null: all its ports, because an
/// address is attached to it one to one.
/// </summary>
public readonly record struct ReplyTarget(IPAddress Address, TransportProtocol? Protocol, ushort Port) : IComparable<ReplyTarget>
{
    public int CompareTo(ReplyTarget other)
    {
        var order = AddressArithmetic.Compare(Address, other.Address);
        if (order == 0) order = ((int)(Protocol ?? 0)).CompareTo((int)(other.Protocol ?? 0));
        return order != 0 ? order : Port.CompareTo(other.Port);
    }
}
