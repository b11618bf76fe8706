using System.Net;
using CN2.Network.Overlay;
using CN2.Network.Sequencing;

namespace CN2.Api.Drivers;

/// <summary>The whole configuration of one vRouter.</summary>
public sealed record VRouterConfig(
    IReadOnlyCollection<VirtualRouterNatEntry> NatEntries,
    IReadOnlyCollection<IPAddress> FloatingIPs,
    IReadOnlyCollection<VRouterProbe> Probes,
    IReadOnlyCollection<RoutingInstance> RoutingInstances,
    IReadOnlyCollection<VpnRoute> VpnRoutes)
{
    public IReadOnlyCollection<VRouterAttachment> Attachments { get; init; } = [];
    public IReadOnlyCollection<VRouterEndpointHolder> EndpointHolders { get; init; } = [];
    public IReadOnlyCollection<VRouterCarriers> Carriers { get; init; } = [];

    /// <summary>Nodes and networks of endpoints (<see cref="CN2.Network.Addressing.EndpointNetwork"/>).</summary>
    public IReadOnlyCollection<IPNetwork> Inside { get; init; } = [];
}
