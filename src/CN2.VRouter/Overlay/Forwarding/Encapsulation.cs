using CN2.VRouter.Overlay.Model;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>From the endpoint into the tunnel: finds the route, chooses its path for the flow, writes the header in front.</summary>
internal static class Encapsulation
{
    /// <summary>Bytes that must be free in front of the inner packet.</summary>
    public const int HeadRoom = MplsInUdp.HeaderLength + LabelStackEntry.Length;

    private const int LongestDatagram = 65535 - 20 - HeadRoom;

    /// <summary>Writes the header into the last of the <see cref="HeadRoom"/> bytes in front of the packet.</summary>
    /// <param name="buffer">Head room and inner packet.</param>
    /// <param name="path">The router, its label and the protocol.</param>
    /// <param name="start">Where in the buffer the payload of the outer IPv4 header starts.</param>
    /// <param name="typeOfService">The outer TOS.</param>
    public static Verdict Decide(ForwardingInstance instance, Span<byte> buffer, out ForwardingPath path, out int start, out byte typeOfService)
    {
        path = default;
        start = 0;
        typeOfService = 0;
        ReadOnlySpan<byte> packet = buffer[HeadRoom..];
        if (!InnerPacket.IsWhole(packet)) return Verdict.Malformed;
        if (packet.Length > LongestDatagram) return Verdict.Oversize;
        var v6 = InnerPacket.IsV6(packet);
        var destination = InnerPacket.Destination(packet);
        if ((v6 ? instance.V6 : instance.V4).Find(destination) is not { } paths)
            return InnerPacket.StaysOnLink(v6, destination) ? Verdict.Ignore : Verdict.NoRoute;

        var flow = FlowHash.Of(packet);
        path = ForwardingPath.Choose(paths, flow);
        // The outer DSCP is the inner one (uniform model, RFC 2983 3.1), and its class selector is the label's traffic class (RFC 5462).
        // The outer ECN field stays 0, because the far end may not copy a congestion mark inwards (RFC 6040 4.3).
        typeOfService = (byte)(InnerPacket.TrafficClass(packet) & 0xfc);
        var entry = LabelStackEntry.Of(path.Label, typeOfService >> 5, bottom: true, LabelStackEntry.OurTtl);
        if (path.Udp)
        {
            MplsInUdp.Write(buffer, MplsInUdp.EntropyPort(flow), entry, packet.Length);
        }
        else
        {
            start = HeadRoom - MplsInGre.HeaderLength - LabelStackEntry.Length;
            MplsInGre.Write(buffer[start..], entry);
        }

        return Verdict.Forward;
    }
}
