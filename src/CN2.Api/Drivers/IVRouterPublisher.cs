using System.Net;
using CN2.Network.Compilation;
using CN2.Network.Overlay;
using CN2.Network.Resources;
using CN2.Network.Sequencing;

namespace CN2.Api.Drivers;

/// <summary>A local endpoint to probe, with the state to start from.</summary>
public sealed record VRouterProbe(Guid Uid, IPAddress Address, ServiceHealthCheck Check, EndpointHealth LastKnown);

/// <summary>The whole configuration of one vRouter.</summary>
public sealed record VRouterConfig(
    IReadOnlyCollection<VirtualRouterNatEntry> NatEntries,
    IReadOnlyCollection<IPAddress> FloatingIPs,
    IReadOnlyCollection<VRouterProbe> Probes,
    IReadOnlyCollection<RoutingInstance> RoutingInstances,
    IReadOnlyCollection<VpnRoute> VpnRoutes);

/// <summary>A change of a vRouter's configuration. An added item replaces the one with the same key.</summary>
public sealed record VRouterDelta(
    IReadOnlyCollection<VirtualRouterNatEntry> NatEntries,
    IReadOnlyCollection<IPAddress> FloatingIPs,
    IReadOnlyCollection<VRouterProbe> Probes,
    IReadOnlyCollection<NatEntryKey> RemovedNatEntries,
    IReadOnlyCollection<IPAddress> RemovedFloatingIPs,
    IReadOnlyCollection<Guid> RemovedProbes)
{
    public IReadOnlyCollection<RoutingInstance> RoutingInstances { get; init; } = [];
    public IReadOnlyCollection<VpnRoute> VpnRoutes { get; init; } = [];
    public IReadOnlyCollection<int> RemovedRoutingInstances { get; init; } = [];
    public IReadOnlyCollection<VpnRouteKey> RemovedVpnRoutes { get; init; } = [];
}

/// <summary>The first message of an agent that has connected to this replica.</summary>
/// <param name="OverlayEngine"><c>userspace</c>, <c>kernel</c>, or null when it has none.</param>
public sealed record VRouterHello(string Name, IPAddress Address, IPAddress? Address6, string AgentVersion, string? OverlayEngine = null);

/// <summary>Traffic of a RoutingInstance on a vRouter since its agent started.</summary>
public sealed record VRouterInstanceCounters(int RoutingInstance, long PacketsIn, long BytesIn, long PacketsOut, long BytesOut, long NoRoute);

/// <summary>Counters of the agent's overlay engine since it started: traffic, and dropped packets by reason.</summary>
public sealed record VRouterOverlayCounters(
    IReadOnlyList<VRouterInstanceCounters> Instances, long UnknownLabel, long UnknownSource, long Malformed, long TtlExpired, long Oversize, long SendErrors);

/// <summary>Receives the messages of agents. Called on the stream's own task, so an implementation must only queue them.</summary>
public interface IVRouterListener
{
    void Connected(VRouterHello hello);
    void Disconnected(string name);
    void Applied(string name, ulong revision, string? error);
    void Health(string name, IReadOnlyList<(Guid Uid, EndpointHealth Health, string? Message)> endpoints);
    void Seen(string name, long repairs);

    /// <summary>With every heartbeat of an agent that has an overlay engine.</summary>
    void Counted(string name, VRouterOverlayCounters counters)
    {
    }

    /// <summary>A sentence about what an operator should correct on the node, or null when it is corrected; called only when it changes.</summary>
    void Noticed(string name, string? message)
    {
    }
}

/// <summary>
/// The agents that are connected to this replica. A vRouter that connects gets nothing until a <c>Publish</c> with its whole
/// configuration; changes follow in order. It never blocks: the stream of a slow agent is closed, and the agent connects again for the
/// whole configuration.
/// </summary>
public interface IVRouterPublisher
{
    void Listen(IVRouterListener listener);
    void Publish(string name, ulong revision, VRouterConfig config);
    void Publish(string name, ulong revision, VRouterDelta delta);
    VRouterPublisherCounters Counters { get; }
}

public sealed record VRouterPublisherCounters(long Snapshots, long Deltas, long NatEntriesSent);
