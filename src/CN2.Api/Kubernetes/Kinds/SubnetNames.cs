using System.Text.Json.Nodes;
using CN2.Api.ExternalNetworks;
using CN2.Network.Addressing;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>The subnets of an ExternalNetwork as Subnets that nobody named (<see cref="SubnetName"/>).</summary>
internal static class SubnetNames
{
    public static IReadOnlyList<IPFamily> Families { get; } = [IPFamily.IPv4, IPFamily.IPv6];

    /// <summary>The subnets of an ExternalNetwork as <c>/v1</c> answers it, in their order.</summary>
    public static IEnumerable<(JsonObject Subnet, IPFamily Family, string Name)> Of(JsonObject network)
    {
        var subnets = (network["subnets"] as JsonArray ?? []).OfType<JsonObject>().Select(s => (Subnet: s, Family: FamilyOf(s["cidr"]?.ToString()))).ToList();
        return subnets.Zip(SubnetName.OfAll(network["name"]!.ToString(), subnets.Select(s => s.Family)), (s, name) => (s.Subnet, s.Family, name));
    }

    /// <summary>The family of a prefix in text.</summary>
    public static IPFamily FamilyOf(string? cidr) => cidr?.Contains(':', StringComparison.Ordinal) == true ? IPFamily.IPv6 : IPFamily.IPv4;
}
