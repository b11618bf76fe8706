namespace CN2.Api.Allocation;

/// <summary>The catalog moved since the plan was made: <see cref="AllocationTransaction"/> reloads it and starts again.</summary>
public sealed class CatalogMovedException() : Exception("The catalog has changed since it was read.");

/// <summary>A subnet has more addresses than free_address holds: <see cref="AllocationTransaction"/> refills it and starts again.</summary>
public sealed class PoolRunDryException(int subnetId, int wanted) : Exception($"Subnet {subnetId} must be refilled.")
{
    public int SubnetId { get; } = subnetId;

    public int Wanted { get; } = wanted;
}
