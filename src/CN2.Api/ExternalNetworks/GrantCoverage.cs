using System.Net;
using CN2.Api.Data.Documents;
using CN2.Api.Http;
using CN2.Network.Addressing;

namespace CN2.Api.ExternalNetworks;

/// <summary>What of an ExternalNetwork lies outside of the grant of its namespace. Pure.</summary>
internal static class GrantCoverage
{
    /// <summary>Everything that is outside, by the path of its member: the value, and what is granted.</summary>
    public static FaultList Outside(ExternalNetworkSpec network, GrantSpec granted)
    {
        var faults = new FaultList();
        var grant = granted.Read();
        for (var i = 0; i < network.Subnets.Count; i++)
        {
            var cidr = IPNetwork.Parse(network.Subnets[i].Cidr);
            if (!grant.Covers(cidr)) faults.Add($"subnets[{i}].cidr", Sentence($"{cidr}", "prefixes", granted.Prefixes));
        }

        foreach (var (member, targets) in new[] { ("routeTargets", network.RouteTargets), ("importRouteTargets", network.ImportRouteTargets), ("exportRouteTargets", network.ExportRouteTargets) })
            Check(member, targets, t => RouteTarget.TryParse(t, out var target, out _) && grant.Covers(target), "routeTargets", granted.RouteTargets);
        Check("advertisement.communities", network.Advertisement.Communities, t => BgpCommunity.TryParse(t, out var community, out _) && grant.Covers(community), "communities", granted.Communities);
        Check("advertisement.largeCommunities", network.Advertisement.LargeCommunities, t => LargeCommunity.TryParse(t, out var community, out _) && grant.Covers(community),
            "largeCommunities", granted.LargeCommunities);
        return faults;

        void Check(string member, List<string> values, Func<string, bool> isCovered, string what, List<string> patterns)
        {
            for (var i = 0; i < values.Count; i++)
            {
                if (!isCovered(values[i])) faults.Add($"{member}[{i}]", Sentence(values[i], what, patterns));
            }
        }
    }

    private static string Sentence(string value, string what, List<string> granted) =>
        $"{value} is outside of the {what} that the namespace is granted: {(granted.Count > 0 ? string.Join(", ", granted) : "none")}";
}
