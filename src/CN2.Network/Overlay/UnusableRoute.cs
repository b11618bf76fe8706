namespace CN2.Network.Overlay;

/// <summary>Why an imported route cannot be used.</summary>
public enum UnusableRoute
{
    /// <summary>The outer packet is IPv4, so the next hop must be IPv4.</summary>
    NextHopNotIPv4,

    /// <summary>The next hop is not a <see cref="Addressing.HostAddress"/>, for example 127.0.0.1. An agent refuses such a tunnel.</summary>
    NextHopUnusable,

    /// <summary>Labels below 16 are reserved (RFC 3032 §2.1): a router that sends 3 asks for packets without label.</summary>
    LabelOutOfRange,

    /// <summary>The route names encapsulations, and MPLS-in-UDP and MPLS-in-GRE are not among them.</summary>
    NoCommonEncapsulation,
}
