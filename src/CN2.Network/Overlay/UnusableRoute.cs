namespace CN2.Network.Overlay;

/// <summary>Why an imported route cannot be tunnelled to.</summary>
public enum UnusableRoute
{
    /// <summary>Outer addresses are IPv4.</summary>
    NextHopNotIPv4,

    /// <summary>Labels below 16 have meanings of their own (RFC 3032 §2.1): a router that sends 3 wants no label at all.</summary>
    LabelOutOfRange,

    /// <summary>It names encapsulations, and neither MPLS in UDP nor MPLS in GRE is among them.</summary>
    NoCommonEncapsulation,
}
