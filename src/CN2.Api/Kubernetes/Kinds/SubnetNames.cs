using System.Globalization;
using System.Text.Json.Nodes;
using CN2.Network.Addressing;

namespace CN2.Api.Kubernetes.Kinds;

/// <summary>
/// What the subnets of an ExternalNetwork are called as Subnets when nobody named them: <c>network-v4</c>, <c>network-v6</c>, and further ones
/// of the family <c>network-v4-2</c>, … (docs/adr/0011-the-kubernetes-front.md).
/// </summary>
internal static class SubnetNames
{
    public static IReadOnlyList<IPFamily> Families { get; } = [IPFamily.IPv4, IPFamily.IPv6];

    /// <summary>The subnets of an ExternalNetwork as <c>/v1</c> answers it, in their order.</summary>
    public static IEnumerable<(JsonObject Subnet, IPFamily Family, string Name)> Of(JsonObject network)
    {
        var seen = new Dictionary<IPFamily, int>();
        foreach (var subnet in (network["subnets"] as JsonArray ?? []).OfType<JsonObject>())
        {
            var family = FamilyOf(subnet["cidr"]?.ToString());
            var number = seen[family] = seen.GetValueOrDefault(family) + 1;
            yield return (subnet, family, Name(network["name"]!.ToString(), family, number));
        }
    }

    /// <param name="network">The name of the network.</param>
    /// <param name="family">The family of the subnet.</param>
    /// <param name="number">1 for the first one of the family.</param>
    public static string Name(string network, IPFamily family, int number) =>
        $"{network}-{(family == IPFamily.IPv4 ? "v4" : "v6")}{(number == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"-{number}"))}";

    /// <summary>The family of a prefix in text.</summary>
    public static IPFamily FamilyOf(string? cidr) => cidr?.Contains(':', StringComparison.Ordinal) == true ? IPFamily.IPv6 : IPFamily.IPv4;
}
