using System.Runtime.InteropServices;

namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>
/// One direction's counters of one RoutingInstance. Only that direction's thread writes, so an addition is enough; cache lines of its
/// own keep the other direction's from stalling on them.
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
