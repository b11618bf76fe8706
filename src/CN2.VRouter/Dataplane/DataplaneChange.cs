using System.Net;
using CN2.Network.Compilation;

namespace CN2.VRouter.Dataplane;

/// <summary>
/// What may differ from the configuration applied before: keys only, the configuration says what is wanted. Two changes that wait
/// for the same transaction are merged by union.
/// </summary>
public sealed class DataplaneChange
{
    public HashSet<NatEntryKey> NatEntries { get; } = [];

    public HashSet<IPAddress> FloatingIPs { get; } = [];

    public OverlayChange Overlay { get; } = new();

    public bool IsEmpty => NatEntries.Count == 0 && FloatingIPs.Count == 0 && Overlay.IsEmpty;
}
