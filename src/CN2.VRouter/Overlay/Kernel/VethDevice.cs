using CN2.VRouter.Dataplane;
using CN2.VRouter.Overlay.Model;

namespace CN2.VRouter.Overlay.Kernel;

/// <summary>
/// The node's end of a pair; the other is in the <see cref="TunnelNamespace"/>. Both ends have one hardware address and ask no
/// neighbour: what goes in at one end comes out at the other. It outlives the agent.
/// </summary>
/// <param name="Before">What it had carried when this agent took it over.</param>
internal sealed record VethDevice(string Name, int Index, RoutingInstanceCounters Before) : IInstanceDevice
{
    public void Dispose()
    {
        // The kernel forwards on.
    }
}
