using System.Globalization;
using CN2.Network.Addressing;

namespace CN2.Api.ExternalNetworks;

/// <summary>
/// What the subnets of an ExternalNetwork are called as Subnets of the Kubernetes API when nobody named them: <c>network-v4</c>, <c>network-v6</c>, and
/// further ones of the family <c>network-v4-2</c>, … (docs/adr/0011-the-kubernetes-front.md).
/// </summary>
internal static class SubnetName
{
    /// <param name="network">The name of the network.</param>
    /// <param name="family">The family of the subnet.</param>
    /// <param name="number">1 for the first one of the family.</param>
    public static string Of(string network, IPFamily family, int number) =>
        $"{network}-{(family == IPFamily.IPv4 ? "v4" : "v6")}{(number == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"-{number}"))}";

    /// <summary>The names of all subnets of a network, in their order.</summary>
    /// <param name="network">The name of the network.</param>
    /// <param name="families">Of its subnets, in their order.</param>
    public static IEnumerable<string> OfAll(string network, IEnumerable<IPFamily> families)
    {
        var seen = new Dictionary<IPFamily, int>();
        foreach (var family in families) yield return Of(network, family, seen[family] = seen.GetValueOrDefault(family) + 1);
    }
}
