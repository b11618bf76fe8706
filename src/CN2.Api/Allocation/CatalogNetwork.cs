using CN2.Network.Addressing;
using CN2.Network.Resources;
using CN2.Network.Selection;

namespace CN2.Api.Allocation;

/// <summary>An ExternalNetwork as selection and allocation need it; <see cref="Subnets"/> in the order in which they are tried.</summary>
public sealed record CatalogNetwork
{
    public required Guid Uid { get; init; }
    public required NamespacedName Id { get; init; }
    public required LabelSet Labels { get; init; }
    public required int Priority { get; init; }
    public required bool AutoAssign { get; init; }
    public required bool FabricForwarding { get; init; }
    public NetworkAccess Access { get; init; } = NetworkAccess.Everybody;
    public required IReadOnlyList<CatalogSubnet> Subnets { get; init; }

    public IReadOnlyList<int> SubnetsOf(IPFamily family) => family == IPFamily.IPv6 ? _v6 ??= Ids(family) : _v4 ??= Ids(family);

    private IReadOnlyList<int>? _v4;
    private IReadOnlyList<int>? _v6;

    private int[] Ids(IPFamily family) => Subnets.Where(s => s.Family == family).Select(s => s.Id).ToArray();
}
