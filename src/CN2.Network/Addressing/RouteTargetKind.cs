namespace CN2.Network.Addressing;

/// <summary>The forms of a route target's administrator (RFC 4360 §4, RFC 5668). The form decides the size of the number.</summary>
public enum RouteTargetKind
{
    /// <summary>2-byte AS and a 32-bit number.</summary>
    TwoOctetAS,

    /// <summary>IPv4 address and a 16-bit number.</summary>
    IPv4Address,

    /// <summary>4-byte AS (above 65535) and a 16-bit number.</summary>
    FourOctetAS,
}
