namespace CN2.Network.Addressing;

/// <summary>
/// The MPLS label by which a vRouter knows a RoutingInstance. A label belongs to the node that advertises it (RFC 3031 §3.4), so every
/// vRouter uses the same label. The label is made from the network's number, which is free again only after every route is withdrawn.
/// </summary>
public static class MplsLabel
{
    /// <summary>Labels below 16 are reserved (RFC 3032 §2.1).</summary>
    public const uint First = 16;

    /// <summary>A label has 20 bits (RFC 3032 §2.1).</summary>
    public const uint Last = (1 << 20) - 1;

    /// <summary>Whether the label is not reserved and fits 20 bits.</summary>
    public static bool IsUsable(uint label) => label is >= First and <= Last;

    /// <summary>The label of a RoutingInstance by its number, 1 to 65535.</summary>
    public static uint Of(int routingInstance) => First + (uint)routingInstance;
}
