using CN2.Network.Overlay;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Overlay;

/// <summary>The engine of one kind of tunnels. One call at a time, except <see cref="Counters"/>.</summary>
internal interface IOverlayApplier : IAsyncDisposable
{
    /// <inheritdoc cref="IOverlayEngine.Name"/>
    string Name { get; }

    /// <inheritdoc cref="IOverlayEngine.Notice"/>
    string? Notice { get; }

    OverlayCounters Counters { get; }

    /// <summary>Bytes that forwarding has allocated on the managed heap.</summary>
    long AllocatedBytes { get; }

    /// <summary>Brings devices, rules, routes and tunnels to <paramref name="desired"/>, which has been checked.</summary>
    /// <param name="change">What may differ from the last call that succeeded; null: anything, so everything is compared with the kernel.</param>
    /// <returns>Routes that the kernel refuses, and why; everything else is done.</returns>
    /// <exception cref="InstanceRefusedException">A RoutingInstance cannot be made; the others may be done in part.</exception>
    Task<IReadOnlyDictionary<VpnRouteKey, string>> ApplyAsync(OverlayConfig desired, OverlayChange? change);
}
