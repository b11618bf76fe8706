using CN2.VRouter.Dataplane;
using CN2.VRouter.Overlay.Model;

namespace CN2.VRouter.Overlay.Kernel;

/// <summary>
/// The node's end of a pair; the other end is in the <see cref="TunnelNamespace"/>. Both ends have the same hardware address and no neighbour
/// resolution, so a packet that enters one end leaves the other. It outlives the agent.
/// </summary>
/// <param name="Before">What it had carried when this agent started to use it.</param>
internal sealed record VethDevice(string Name, int Index, RoutingInstanceCounters Before) : IInstanceDevice
{
    public void Dispose()
    {
        // The kernel continues to forward.
    }
}
