using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using CN2.VRouter.Overlay.Model;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Overlay.Kernel;

/// <summary>A tunnel to a router. <paramref name="NextHop"/>: its IPv4 address as a number; <paramref name="Udp"/>: MPLS in UDP, else in GRE.</summary>
internal readonly record struct TunnelDevice(uint NextHop, bool Udp)
{
    /// <summary>Longer than any packet: the MTU of the RoutingInstance's device limits packets.</summary>
    public const int Mtu = 60000;

    public string Name => string.Create(CultureInfo.InvariantCulture, $"{(Udp ? 'u' : 'g')}{NextHop:x8}");

    public static TunnelDevice Of(ForwardingPath path) => new(path.NextHop, path.Udp);

    public static TunnelDevice? Parse(string name) =>
        name.Length == 9 && name[0] is 'u' or 'g' && uint.TryParse(name.AsSpan(1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var nextHop)
            ? new TunnelDevice(nextHop, name[0] == 'u')
            : null;

    /// <summary>
    /// The command of ip that makes it. DF is not set in the outer packet, so a link with a smaller MTU causes fragments and no loss. An IPIP
    /// device that carries only MPLS becomes MPLS in UDP when its packets go to the UDP port of that protocol.
    /// </summary>
    public string Command(IPAddress local) =>
        $"link add {Name} type {(Udp ? "ipip mode mplsip" : "gre")} local {local} remote {Text(NextHop)} nopmtudisc" + (Udp ? $" encap fou encap-sport auto encap-dport {MplsInUdp.Port} noencap-csum" : "");

    public static string Text(uint address)
    {
        Span<byte> octets = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(octets, address);
        return new IPAddress(octets).ToString();
    }
}
