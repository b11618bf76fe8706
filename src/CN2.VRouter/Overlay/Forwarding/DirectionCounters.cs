using System.Runtime.InteropServices;

namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>
/// The counters of one RoutingInstance in one direction. Only the thread of that direction writes, so a plain addition is enough. They have
/// cache lines of their own, so that the two threads do not slow each other down.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal struct DirectionCounters
{
    [FieldOffset(64)]
    public long Packets;

    [FieldOffset(72)]
    public long Bytes;

    [FieldOffset(80)]
    public long NoRoute;
}
