using System.Threading.Channels;

namespace CN2.VRouter.Dataplane;

/// <summary>
/// The packet path of this node. Every call is atomic: a packet meets the state before it or the state after it, and established flows
/// keep their backends.
/// </summary>
public interface IDataplane : IAsyncDisposable
{
    /// <summary>
    /// Makes the data plane hold exactly <paramref name="desired"/>. Repeatable.
    /// </summary>
    /// <param name="change">What may differ from the last call that succeeded; null: anything.</param>
    /// <exception cref="DataplaneException">The kernel refused; the state before the call stays.</exception>
    Task ApplyAsync(DataplaneConfig desired, DataplaneChange? change, CancellationToken cancellation);

    /// <summary>
    /// A sentence for the log whenever another process has changed what the data plane holds. The next <see cref="ApplyAsync"/> repairs it,
    /// whatever its change names.
    /// </summary>
    ChannelReader<string> Drift { get; }
}
