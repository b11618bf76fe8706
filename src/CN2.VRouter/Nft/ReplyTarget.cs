using System.Net;
using CN2.Network.Addressing;

namespace CN2.VRouter.Nft;

/// <summary>
/// A TCP port of an endpoint on this node that flows of a FloatingIP are translated to. <paramref name="Port"/> 0: all ports, because the FloatingIP is
/// attached one to one.
/// </summary>
internal readonly record struct ReplyTarget(IPAddress Address, ushort Port) : IComparable<ReplyTarget>
{
    public int CompareTo(ReplyTarget other)
    {
        var order = AddressArithmetic.Compare(Address, other.Address);
        return order != 0 ? order : Port.CompareTo(other.Port);
    }
}
