namespace CN2.Network.Addressing;

/// <summary>
/// The MPLS label by which a vRouter knows a RoutingInstance. Labels belong to the node that advertises them (RFC 3031 §3.4), so every
/// vRouter may use the same one; it follows from the network's number, which is free again only after every route is withdrawn.
/// </summary>
public static class MplsLabel
{
    /// <summary>Labels below have meanings of their own (RFC 3032 §2.1).</summary>
    public const uint First = 16;

    /// <summary>20 bits (RFC 3032 §2.1).</summary>
    public const uint Last = (1 << 20) - 1;

    /// <summary>Whether it is neither reserved nor too long.</summary>
    public static bool IsUsable(uint label) => label is >= First and <= Last;

    /// <summary>The label of a RoutingInstance by its number, 1 to 65535.</summary>
    public static uint Of(int routingInstance) => First + (uint)routingInstance;
}
