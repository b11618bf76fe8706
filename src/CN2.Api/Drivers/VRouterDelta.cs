using System.Net;
using CN2.Network.Compilation;
using CN2.Network.Overlay;
using CN2.Network.Sequencing;

namespace CN2.Api.Drivers;

/// <summary>A change of a vRouter's configuration. An added item replaces the one with the same key.</summary>
/// <param name="NatEntries">They and <paramref name="RemovedNatEntries"/> come after <see cref="CommonNatEntries"/>.</param>
public sealed record VRouterDelta(
    IReadOnlyCollection<VirtualRouterNatEntry> NatEntries,
    IReadOnlyCollection<IPAddress> FloatingIPs,
    IReadOnlyCollection<VRouterProbe> Probes,
    IReadOnlyCollection<NatEntryKey> RemovedNatEntries,
    IReadOnlyCollection<IPAddress> RemovedFloatingIPs,
    IReadOnlyCollection<Guid> RemovedProbes)
{
    /// <inheritdoc cref="NatEntryChanges.Common"/>
    public NatEntryChanges? CommonNatEntries { get; init; }

    /// <inheritdoc cref="NatEntryChanges.Parts"/>
    public IEnumerable<NatEntryChanges> NatEntryParts => new NatEntryChanges(NatEntries, RemovedNatEntries, CommonNatEntries).Parts;

    public IReadOnlyCollection<RoutingInstance> RoutingInstances { get; init; } = [];
    public IReadOnlyCollection<VpnRoute> VpnRoutes { get; init; } = [];
    public IReadOnlyCollection<int> RemovedRoutingInstances { get; init; } = [];
    public IReadOnlyCollection<VpnRouteKey> RemovedVpnRoutes { get; init; } = [];
    public IReadOnlyCollection<VRouterAttachment> Attachments { get; init; } = [];
    public IReadOnlyCollection<VRouterAttachmentKey> RemovedAttachments { get; init; } = [];
    public IReadOnlyCollection<VRouterEndpointHolder> EndpointHolders { get; init; } = [];
    public IReadOnlyCollection<VRouterCarriers> Carriers { get; init; } = [];
    public IReadOnlyCollection<VRouterAttachmentKey> RemovedCarriers { get; init; } = [];
    public IReadOnlyCollection<IPNetwork> Inside { get; init; } = [];
    public IReadOnlyCollection<IPNetwork> RemovedInside { get; init; } = [];
}
