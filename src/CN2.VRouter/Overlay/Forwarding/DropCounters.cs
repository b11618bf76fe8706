using System.Runtime.InteropServices;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>Packets dropped in one direction. Only the thread of that direction writes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 192)]
internal struct DropCounters
{
    [FieldOffset(64)]
    public long UnknownLabel;

    [FieldOffset(72)]
    public long UnknownSource;

    [FieldOffset(80)]
    public long Malformed;

    [FieldOffset(88)]
    public long TtlExpired;

    [FieldOffset(96)]
    public long Oversize;

    [FieldOffset(104)]
    public long SendErrors;

    public void Count(Verdict verdict)
    {
        switch (verdict)
        {
            case Verdict.UnknownLabel: UnknownLabel++; break;
            case Verdict.UnknownSource: UnknownSource++; break;
            case Verdict.Malformed: Malformed++; break;
            case Verdict.TtlExpired: TtlExpired++; break;
            case Verdict.Oversize: Oversize++; break;
        }
    }
}
