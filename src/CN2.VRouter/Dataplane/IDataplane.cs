using System.Threading.Channels;

namespace CN2.VRouter.Dataplane;

/// <summary>
/// The packet path of this node. Every call is atomic: a packet meets the state before it or the state after it, and established flows
/// keep their backends.
/// </summary>
public interface IDataplane : IAsyncDisposable
{
    /// <summary>
    /// Makes the data plane hold exactly <paramref name="desired"/>, but for single items that the kernel refuses. Repeatable.
    /// </summary>
    /// <param name="change">What may differ from the last call that succeeded, and what was refused and is to be tried again; null: anything.</param>
    /// <returns>
    /// All items of <paramref name="desired"/> that are not in force, also those refused in earlier calls and not tried again in this one.
    /// Of a refused item the version before may stay.
    /// </returns>
    /// <exception cref="DataplaneException">The kernel takes nothing at all; the state before the call stays.</exception>
    Task<IReadOnlyList<DataplaneRefusal>> ApplyAsync(DataplaneConfig desired, DataplaneChange? change, CancellationToken cancellation);

    /// <summary>
    /// A sentence for the log whenever another process has changed what the data plane holds. The next <see cref="ApplyAsync"/> repairs it,
    /// whatever its change names.
    /// </summary>
    ChannelReader<string> Drift { get; }
}
