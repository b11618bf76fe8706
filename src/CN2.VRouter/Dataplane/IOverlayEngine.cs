using System.Threading.Channels;

namespace CN2.VRouter.Dataplane;

/// <summary>
/// The tunnels of this node: they move MPLS packets between the underlay and one device per RoutingInstance, and own the kernel's routes
/// and rules that lead to the devices. NAT between device and endpoint belongs to <see cref="IDataplane"/>.
/// </summary>
public interface IOverlayEngine : IAsyncDisposable
{
    /// <summary>What carries the packets: "userspace" or "kernel".</summary>
    string Name { get; }

    /// <summary>
    /// Makes the engine hold exactly <paramref name="desired"/>, but for single RoutingInstances and routes that the kernel refuses.
    /// Repeatable. On return no packet meets the state before the call.
    /// </summary>
    /// <param name="change">What may differ from the last call that succeeded, and what was refused and is to be tried again; null: anything.</param>
    /// <returns>All that is not in force, also what was refused in earlier calls and not tried again in this one.</returns>
    /// <exception cref="DataplaneException">Everything was refused; the next call starts from the kernel's real state.</exception>
    Task<IReadOnlyList<DataplaneRefusal>> ApplyAsync(OverlayConfig desired, OverlayChange? change, CancellationToken cancellation);

    /// <summary>
    /// A sentence for the log whenever another process has removed or changed a device, rule or route of the engine. The next
    /// <see cref="ApplyAsync"/> repairs it, whatever its change names.
    /// </summary>
    ChannelReader<string> Drift { get; }

    /// <summary>Packets since the start of the engine; each call reads anew.</summary>
    OverlayCounters Counters { get; }

    /// <summary>What an operator should know, such as which engine runs and why; null: nothing.</summary>
    string? Notice { get; }
}
