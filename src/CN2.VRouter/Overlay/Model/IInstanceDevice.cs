namespace CN2.VRouter.Overlay.Model;

/// <summary>The device by which a RoutingInstance's packets enter and leave this node's routing.</summary>
internal interface IInstanceDevice : IDisposable
{
    string Name { get; }

    /// <summary>The kernel's number of it (ifindex).</summary>
    int Index { get; }
}
