namespace CN2.Api.Allocation;

/// <summary>
/// A subnet has more addresses than table <c>free_address</c> holds. <see cref="AllocationRecovery"/> adds some, then the write starts again.
/// </summary>
/// <param name="subnetId">The subnet to refill.</param>
/// <param name="wanted">How many addresses the write needs of it.</param>
public sealed class PoolRunDryException(int subnetId, int wanted) : Exception($"Subnet {subnetId} must be refilled.")
{
    public int SubnetId { get; } = subnetId;

    public int Wanted { get; } = wanted;
}
