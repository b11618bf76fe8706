namespace CN2.VRouter.Overlay.Packets;

/// <summary>What becomes of a packet.</summary>
internal enum Verdict
{
    Forward,
    Malformed,
    UnknownLabel,
    UnknownSource,
    TtlExpired,
    NoRoute,
    Oversize,

    /// <summary>Not for a tunnel, and nobody's loss.</summary>
    Ignore,
}
