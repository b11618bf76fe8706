namespace CN2.Api.Allocation;

/// <summary>Where one address is looked for.</summary>
/// <param name="SubnetId">The subnet.</param>
/// <param name="AlsoResting">Where nothing else is free, the address that was released first is given, although it rests.</param>
internal readonly record struct PoolSource(int SubnetId, bool AlsoResting) : IComparable<PoolSource>
{
    /// <summary>The subnets of one family in the order in which they are tried: nothing that rests is given while one of them has a free address.</summary>
    public static PoolSource[] Of(IReadOnlyList<int> subnets) => subnets.Count == 1
        ? Of(subnets, alsoResting: true)
        : [.. Of(subnets, alsoResting: false), .. Of(subnets, alsoResting: true)];

    public static PoolSource[] Of(IReadOnlyList<int> subnets, bool alsoResting) => [.. subnets.Select(s => new PoolSource(s, alsoResting))];

    public int CompareTo(PoolSource other) => SubnetId != other.SubnetId ? SubnetId.CompareTo(other.SubnetId) : AlsoResting.CompareTo(other.AlsoResting);
}
