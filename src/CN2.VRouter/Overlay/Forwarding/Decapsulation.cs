using System.Buffers.Binary;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>From the tunnel to the endpoint: which RoutingInstance a packet belongs to, and whether it may enter.</summary>
internal static class Decapsulation
{
    /// <param name="source">The outer source address, first octet highest.</param>
    /// <param name="labelled">The label stack and the packet below it; the inner packet starts after the first entry.</param>
    public static Verdict Decide(ForwardingTables tables, uint source, ReadOnlySpan<byte> labelled, out ForwardingInstance? instance)
    {
        instance = null;
        if (labelled.Length < LabelStackEntry.Length) return Verdict.Malformed;
        var entry = BinaryPrimitives.ReadUInt32BigEndian(labelled);
        // A route carries one label, so a second one is a fault of the sender. A stack without a bottom entry is dropped here too.
        if (!LabelStackEntry.IsBottom(entry)) return Verdict.Malformed;
        instance = tables.OfLabel(LabelStackEntry.LabelOf(entry));
        if (instance is null) return Verdict.UnknownLabel;
        if (!instance.Admits(source)) return Verdict.UnknownSource;
        // RFC 3443: this hop takes one off, so a packet that arrives with TTL 1 has expired.
        if (LabelStackEntry.TtlOf(entry) <= 1) return Verdict.TtlExpired;
        return InnerPacket.IsWhole(labelled[LabelStackEntry.Length..]) ? Verdict.Forward : Verdict.Malformed;
    }
}
