using System.Net;
using CN2.Network.Compilation;
using CN2.Network.Overlay;

namespace CN2.Network.Sequencing;

/// <summary>One thing in the configuration of a vRouter, by its key. A vRouter, or its kernel, may refuse it alone.</summary>
public abstract record VirtualRouterItem
{
    private VirtualRouterItem()
    {
    }

    public sealed record NatEntry(NatEntryKey Key) : VirtualRouterItem;

    /// <summary>An address of the drop set.</summary>
    public sealed record FloatingIP(IPAddress Address) : VirtualRouterItem;

    /// <summary>What is probed at the VirtualMachineInterface with this uid.</summary>
    public sealed record Probe(Guid Endpoint) : VirtualRouterItem;

    public sealed record RoutingInstance(int Number) : VirtualRouterItem;

    public sealed record VpnRoute(VpnRouteKey Key) : VirtualRouterItem;
}
