using System.Net;
using CN2.Network.Addressing;

namespace CN2.Api.Allocation;

/// <summary>A subnet as the allocator needs it.</summary>
public sealed record CatalogSubnet(int Id, IPNetwork Cidr, IPAddress? Gateway)
{
    public IPFamily Family { get; } = Cidr.FamilyOf();

    /// <summary>A user may ask for the address; see <see cref="SubnetPlan.IsUnusable"/>.</summary>
    public bool CanBeRequested(IPAddress address) => !SubnetPlan.IsUnusable(Cidr, Gateway, address);
}
