using System.Net;

namespace CN2.Api.Allocation;

/// <summary>
/// One way to satisfy an <see cref="AddressDemand"/>: an address from each of the lists, which are the subnets of one family in the
/// order in which they are tried.
/// </summary>
public sealed record PoolOption(params IReadOnlyList<int>[] SubnetsOfFamily);

/// <summary>An address and the subnet it came from.</summary>
public readonly record struct PooledAddress(int SubnetId, IPAddress Address);

/// <summary>
/// What one holder needs from the pools: the first of <see cref="Options"/> that can be taken completely. So all families of a Service
/// come from one network, and the next network is tried when one is exhausted.
/// </summary>
public sealed class AddressDemand(IReadOnlyList<PoolOption> options)
{
    public IReadOnlyList<PoolOption> Options { get; } = options;

    /// <summary>Index of the option that was taken; -1 before that, or when all are exhausted.</summary>
    public int Chosen { get; internal set; } = -1;

    /// <summary>One address for each family of the chosen option, in its order; empty when exhausted.</summary>
    public IReadOnlyList<PooledAddress> Taken { get; internal set; } = [];
}

/// <summary>A number of node ports of one protocol (IANA number); <see cref="Taken"/> has fewer when the range is exhausted.</summary>
public sealed class NodePortDemand(short protocol, int count)
{
    public short Protocol { get; } = protocol;

    public int Count { get; } = count;

    public List<int> Taken { get; } = [];
}
