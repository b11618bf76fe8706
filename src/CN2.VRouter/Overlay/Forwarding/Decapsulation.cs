using System.Buffers.Binary;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>From the tunnel to the endpoint: whose packet it is, and whether it may come in.</summary>
internal static class Decapsulation
{
    /// <param name="source">The outer source address, first octet highest.</param>
    /// <param name="labelled">The label stack and what is below it; the inner packet starts after the first entry.</param>
    public static Verdict Decide(ForwardingTables tables, uint source, ReadOnlySpan<byte> labelled, out ForwardingInstance? instance)
    {
        instance = null;
        if (labelled.Length < LabelStackEntry.Length) return Verdict.Malformed;
        var entry = BinaryPrimitives.ReadUInt32BigEndian(labelled);
        // We advertise one label, so nobody has a reason to send two; a stack without an end is dropped at its first entry too.
        if (!LabelStackEntry.IsBottom(entry)) return Verdict.Malformed;
        instance = tables.OfLabel(LabelStackEntry.LabelOf(entry));
        if (instance is null) return Verdict.UnknownLabel;
        if (!instance.Knows(source)) return Verdict.UnknownSource;
        // RFC 3443: one that reaches us with 1 has expired when we have taken ours off.
        if (LabelStackEntry.TtlOf(entry) <= 1) return Verdict.TtlExpired;
        return InnerPacket.IsWhole(labelled[LabelStackEntry.Length..]) ? Verdict.Forward : Verdict.Malformed;
    }
}
