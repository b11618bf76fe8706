using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Overlay.Model;

/// <summary>
/// One kind of tunnels: moves MPLS packets between the underlay and the devices of the RoutingInstances. Every implementation has its
/// own type of RoutingInstance. One call at a time, except <see cref="Counters"/>, which any thread may read at any time.
/// </summary>
/// <typeparam name="TInstance">The RoutingInstance with what this kind of tunnels keeps of it.</typeparam>
internal interface ITunnels<TInstance> : IAsyncDisposable
    where TInstance : RoutingInstanceState
{
    /// <summary>"userspace" or "kernel".</summary>
    string Name { get; }

    /// <summary>What an operator should know about it, or null.</summary>
    string? Notice { get; }

    OverlayCounters Counters { get; }

    /// <summary>Bytes that forwarding has allocated on the managed heap.</summary>
    long AllocatedBytes { get; }

    TInstance NewInstance(int number);

    /// <summary>Called before devices are looked for or made.</summary>
    /// <param name="whole">Compare everything with the kernel's real state.</param>
    /// <exception cref="DataplaneException">The node cannot be an end of tunnels.</exception>
    Task OpenAsync(bool whole);

    /// <summary>Makes the device of a RoutingInstance, not up yet.</summary>
    /// <exception cref="DataplaneException">Another device has that name, or none can be made.</exception>
    Task MakeDeviceAsync(TInstance instance, string name);

    /// <summary>Takes its device from a RoutingInstance. The caller disposes of the device after the next <see cref="PublishAsync"/>.</summary>
    void ForgetDevice(TInstance instance);

    /// <summary>On return no packet meets the state before this step. Until then packets may meet either.</summary>
    /// <param name="instances">All RoutingInstances after the step.</param>
    Task PublishAsync(OverlayStep<TInstance> step, IReadOnlyCollection<TInstance> instances);

    /// <summary>Removes what no packet needs after <see cref="PublishAsync"/>.</summary>
    Task RemoveStaleAsync(OverlayStep<TInstance> step);
}
