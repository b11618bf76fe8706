namespace CN2.Network.Overlay;

/// <summary>Why an imported route cannot be tunnelled to.</summary>
public enum UnusableRoute
{
    /// <summary>Outer addresses are IPv4.</summary>
    NextHopNotIPv4,

    /// <summary>Labels below 16 are reserved (RFC 3032 §2.1): label 3, for example, means that the router wants no label.</summary>
    LabelOutOfRange,

    /// <summary>The route names encapsulations, but not MPLS in UDP and not MPLS in GRE.</summary>
    NoCommonEncapsulation,
}
