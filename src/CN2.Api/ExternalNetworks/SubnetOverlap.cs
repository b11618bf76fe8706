namespace CN2.Api.ExternalNetworks;

/// <summary>A subnet that overlaps one of another network.</summary>
/// <param name="Cidr">The own subnet.</param>
/// <param name="OtherCidr">The other network's subnet.</param>
/// <param name="OtherNetwork">The other network, <c>namespace/name</c>.</param>
internal sealed record SubnetOverlap(string Cidr, string OtherCidr, string OtherNetwork);
