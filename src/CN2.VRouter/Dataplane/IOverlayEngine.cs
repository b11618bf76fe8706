using System.Threading.Channels;

namespace CN2.VRouter.Dataplane;

/// <summary>
/// The tunnels of this node: MPLS packets of the RoutingInstances in and out, between the underlay and one device per
/// RoutingInstance, with the routes and rules of the kernel that lead there. What the packets meet in between is nftables' matter.
/// </summary>
public interface IOverlayEngine : IAsyncDisposable
{
    /// <summary>Who carries the packets: "userspace" or "kernel".</summary>
    string Name { get; }

    /// <summary>
    /// Makes the engine hold exactly <paramref name="desired"/>. <paramref name="change"/> names what may differ from the last call
    /// that succeeded; null: anything may. Repeatable. On return no packet meets the state before it any more.
    /// </summary>
    /// <exception cref="DataplaneException">It was refused; the next call starts from what is really there.</exception>
    Task ApplyAsync(OverlayConfig desired, OverlayChange? change, CancellationToken cancellation);

    /// <summary>
    /// Says that somebody else took away or changed a device, rule or route of ours (the text is for people); the next
    /// <see cref="ApplyAsync"/> puts it right, whatever its change names.
    /// </summary>
    ChannelReader<string> Drift { get; }

    /// <summary>Since the start of the engine; each call is a reading of its own.</summary>
    OverlayCounters Counters { get; }

    /// <summary>What an operator should know (which engine runs and why), or null.</summary>
    string? Notice { get; }
}
