namespace CN2.VRouter.Overlay.Model;

/// <summary>The device through which packets of a RoutingInstance enter and leave the node's routing.</summary>
internal interface IInstanceDevice : IDisposable
{
    string Name { get; }

    /// <summary>The kernel's number of the device (ifindex).</summary>
    int Index { get; }
}
