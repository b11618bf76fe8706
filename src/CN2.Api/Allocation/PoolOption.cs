namespace CN2.Api.Allocation;

/// <summary>
/// One way to satisfy an <see cref="AddressDemand"/>: an address from each of the lists, which are the subnets of one family in the
/// order in which they are tried.
/// </summary>
public sealed record PoolOption(params IReadOnlyList<int>[] SubnetsOfFamily);
