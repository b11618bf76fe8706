using System.Net;
using CN2.Network.Compilation;

namespace CN2.VRouter.Dataplane;

/// <summary>
/// The keys that may differ from the configuration applied before; the configuration itself holds the values. Two changes for the same
/// transaction are merged by union.
/// </summary>
public sealed class DataplaneChange
{
    public HashSet<NatEntryKey> NatEntries { get; } = [];

    public HashSet<IPAddress> FloatingIPs { get; } = [];

    public HashSet<FloatingIPPlace> Attachments { get; } = [];

    public HashSet<IPAddress> EndpointHolders { get; } = [];

    public HashSet<FloatingIPPlace> Carriers { get; } = [];

    public HashSet<IPNetwork> Inside { get; } = [];

    public OverlayChange Overlay { get; } = new();

    public bool IsEmpty => NatEntries.Count == 0 && FloatingIPs.Count == 0 && Attachments.Count == 0 && EndpointHolders.Count == 0 && Carriers.Count == 0 && Inside.Count == 0 && Overlay.IsEmpty;
}
