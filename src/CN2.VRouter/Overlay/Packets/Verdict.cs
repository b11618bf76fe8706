namespace CN2.VRouter.Overlay.Packets;

/// <summary>What happens to a packet.</summary>
internal enum Verdict
{
    Forward,
    Malformed,
    UnknownLabel,
    UnknownSource,
    TtlExpired,
    NoRoute,
    Oversize,

    /// <summary>Not for a tunnel; dropped without counting.</summary>
    Ignore,
}
