using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Overlay.Model;

/// <summary>
/// Who takes MPLS packets out of their tunnels and puts them in: between the underlay and the RoutingInstances' devices.
/// One call at a time, but for <see cref="Counters"/>.
/// </summary>
internal interface ITunnels : IAsyncDisposable
{
    /// <summary>"userspace" or "kernel".</summary>
    string Name { get; }

    /// <summary>What an operator should know of it, or null.</summary>
    string? Notice { get; }

    OverlayCounters Counters { get; }

    /// <summary>What forwarding has taken from the managed heap.</summary>
    long AllocatedBytes { get; }

    RoutingInstanceState NewInstance(int number);

    /// <summary>Before devices are looked for or made. <paramref name="whole"/>: nothing is taken for granted.</summary>
    /// <exception cref="DataplaneException">The node cannot be a tunnel's end.</exception>
    Task OpenAsync(bool whole);

    /// <summary>A RoutingInstance's device, not up yet. Disposed, it is gone.</summary>
    /// <exception cref="DataplaneException">There is another device of that name, or none can be made.</exception>
    Task<IInstanceDevice> MakeAsync(string name, int number);

    /// <summary>The device is no longer used; it is disposed of after the next <see cref="PublishAsync"/>.</summary>
    void Forget(IInstanceDevice device);

    /// <summary>On return no packet meets the state before it any more. Old and new may be there together meanwhile.</summary>
    Task PublishAsync(OverlayStep step, IReadOnlyCollection<RoutingInstanceState> instances);

    /// <summary>What no packet needs any more goes.</summary>
    Task LetGoAsync(OverlayStep step);
}
