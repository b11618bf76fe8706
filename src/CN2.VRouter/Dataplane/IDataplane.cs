using System.Threading.Channels;

namespace CN2.VRouter.Dataplane;

/// <summary>
/// The packet path of this node. Every call is one atomic step: packets see the state before it or the state after it, and flows
/// that are established stay where they are.
/// </summary>
public interface IDataplane : IAsyncDisposable
{
    /// <summary>
    /// Makes the data plane hold exactly <paramref name="desired"/>. <paramref name="change"/> names what may differ from the last
    /// call that succeeded; null: anything may. Repeatable.
    /// </summary>
    /// <exception cref="DataplaneException">It was refused; what was there before still holds.</exception>
    Task ApplyAsync(DataplaneConfig desired, DataplaneChange? change, CancellationToken cancellation);

    /// <summary>
    /// Says that somebody else has changed what the data plane holds (the text is for people); the next
    /// <see cref="ApplyAsync"/> puts it right, whatever its change names.
    /// </summary>
    ChannelReader<string> Drift { get; }
}
