using System.Net;

namespace CN2.VRouter.Overlay.Kernel;

/// <summary>What has changed since the last publication, and for how many RoutingInstances each router is a next hop.</summary>
internal sealed class KernelChanges
{
    public HashSet<KernelInstance> Instances { get; } = [];

    public HashSet<(KernelInstance Instance, IPNetwork Prefix)> Routes { get; } = [];

    /// <summary>Number of RoutingInstances by the router's IPv4 address, as a number.</summary>
    public Dictionary<uint, int> Routers { get; } = [];

    public void Count(uint router, int by)
    {
        var count = Routers.GetValueOrDefault(router) + by;
        if (count == 0) Routers.Remove(router);
        else Routers[router] = count;
    }
}
