namespace CN2.VRouter.Overlay.Model;

/// <summary>What a new list of paths did to a route of a RoutingInstance.</summary>
internal enum RouteChange
{
    /// <summary>The same paths as before, or still no usable path.</summary>
    None,

    /// <summary>The route has its first usable path.</summary>
    Added,

    /// <summary>The route stays, with other paths.</summary>
    PathsChanged,

    /// <summary>The route has no usable path any more.</summary>
    Removed,
}
