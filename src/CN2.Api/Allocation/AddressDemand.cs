using CN2.Network.Resources;

namespace CN2.Api.Allocation;

/// <summary>
/// What one holder needs from the pools: the first of <see cref="Options"/> that can be taken completely. So all families of a Service
/// come from one network, and the next network is tried when one is exhausted.
/// </summary>
public sealed class AddressDemand(IReadOnlyList<PoolOption> options)
{
    public IReadOnlyList<PoolOption> Options { get; } = options;

    /// <summary>
    /// The FloatingIP that gets an address of a subnet (by its id): it gets back the one that it had last, while that rests. Null: nothing rests in
    /// these subnets.
    /// </summary>
    public Func<int, NamespacedName>? HolderIn { get; set; }

    /// <summary>Index of the option that was taken; -1 before that, or when all are exhausted.</summary>
    public int Chosen { get; internal set; } = -1;

    /// <summary>One address for each family of the chosen option, in its order; empty when exhausted.</summary>
    public IReadOnlyList<PooledAddress> Taken { get; internal set; } = [];
}
