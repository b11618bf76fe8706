namespace CN2.VRouter.Overlay.Packets;

/// <summary>
/// A label stack entry (RFC 3032 2.1): 20 bits of label, 3 of traffic class (RFC 5462), the bottom-of-stack bit, 8 of TTL.
/// </summary>
internal static class LabelStackEntry
{
    public const int Length = 4;

    private const uint BottomBit = 0x100;

    /// <summary>
    /// The TTL of packets that this node sends. Pipe model (RFC 3443): the tunnel is one hop of the VPN and hides its own hops. The far end
    /// removes the label and answers "time exceeded" if the inner TTL ends there; a copied inner TTL would expire without an answer.
    /// </summary>
    public const byte OurTtl = 64;

    public static uint Of(uint label, int trafficClass, bool bottom, byte ttl) =>
        (label << 12) | ((uint)trafficClass << 9) | (bottom ? BottomBit : 0) | ttl;

    public static uint LabelOf(uint entry) => entry >> 12;

    public static bool IsBottom(uint entry) => (entry & BottomBit) != 0;

    public static byte TtlOf(uint entry) => (byte)entry;
}
