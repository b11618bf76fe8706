using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Fencing;
using CN2.Network.Grants;
using CN2.Network.Resources;

namespace CN2.Network.Tests.Fencing;

public sealed class ExportFenceTests
{
    [Fact]
    public void Nothing_leaves_without_networks() => Assert.False(Admits(ExportFence.Of([]), "203.0.113.4"));

    [Fact]
    public void A_granted_namespace_announces_what_its_grant_says_whatever_its_networks_say()
    {
        var fence = ExportFence.Of([Network("ns1", 1, "198.51.100.0/24", Grant(["203.0.113.0/24"], communities: ["64512:*"]), underlay: true)]);
        Assert.True(Admits(fence, "203.0.113.4"));
        Assert.True(Admits(fence, "203.0.113.4", communities: ["64512:7"]));
        Assert.False(Admits(fence, "203.0.113.4", communities: ["64512:7", "64513:7"]));
        Assert.False(Admits(fence, "203.0.113.4", communities: ["NO_EXPORT"]));
        Assert.False(Admits(fence, "198.51.100.4"));
        Assert.False(Admits(fence, "203.0.113.4", ["target:64512:8000001"])); // it has no overlay network
    }

    [Fact]
    public void Networks_without_a_grant_announce_their_subnets_with_any_community()
    {
        var fence = ExportFence.Of([Network("ns2", 2, "198.51.100.0/24", null, underlay: true)]);
        Assert.True(Admits(fence, "198.51.100.4", communities: ["1:1", "NO_EXPORT"]));
        Assert.False(Admits(fence, "198.51.101.4"));
    }

    [Fact]
    public void A_granted_VPN_has_its_own_automatic_target_and_nobody_elses()
    {
        var fence = ExportFence.Of(
        [
            Network("ns1", 1, "203.0.113.0/24", Grant(["203.0.113.0/24"], ["target:64512:*"])),
            Network("ns2", 2, "203.0.113.0/24", null, targets: ["target:64512:9"]),
        ]);
        Assert.True(Admits(fence, "203.0.113.4", ["target:64512:8000001", "target:64512:100"]));
        Assert.False(Admits(fence, "203.0.113.4", ["target:64512:8000001", "target:64512:8000002"]));
        Assert.False(Admits(fence, "203.0.113.4", ["target:64512:8000001", "target:64513:100"]));
        Assert.True(Admits(fence, "203.0.113.4", ["target:64512:8000002", "target:64512:9"]));
        Assert.False(Admits(fence, "203.0.113.4"));
    }

    [Fact]
    public void The_order_of_networks_makes_no_other_fence()
    {
        ExternalNetwork[] networks = [Network("ns2", 2, "198.51.100.0/24", null), Network("ns1", 1, "203.0.113.0/24", Grant(["203.0.113.0/24"])), Network("ns0", 3, "192.0.2.0/24", null)];
        Assert.Equal(ExportFence.Of(networks), ExportFence.Of(networks.Reverse()));
    }

    private static bool Admits(ExportFence fence, string address, string[]? targets = null, string[]? communities = null) => fence.Admits(
        IPAddress.Parse(address), targets?.Select(Target).ToEquatableList(),
        (communities ?? []).Select(c => BgpCommunity.TryParse(c, out var community, out var error) ? community : throw new ArgumentException(error)).ToEquatableList(), []);

    private static RouteTarget Target(string text) => RouteTarget.TryParse(text, out var target, out var error) ? target : throw new ArgumentException(error);

    private static Grant Grant(string[] prefixes, string[]? targets = null, string[]? communities = null) => new()
    {
        Prefixes = prefixes.Select(IPNetwork.Parse).ToEquatableList(),
        RouteTargets = (targets ?? []).Select(t => RouteTargetPattern.TryParse(t, out var pattern, out var error) ? pattern : throw new ArgumentException(error)).ToEquatableList(),
        Communities = (communities ?? []).Select(t => CommunityPattern.TryParse(t, out var pattern, out var error) ? pattern : throw new ArgumentException(error)).ToEquatableList(),
    };

    private static ExternalNetwork Network(string ns, int number, string subnet, Grant? grant, string[]? targets = null, bool underlay = false)
    {
        var automatic = RouteTarget.Automatic(64512, number)!.Value;
        return new ExternalNetwork
        {
            Uid = Guid.NewGuid(),
            Id = new NamespacedName(ns, $"vn{number}"),
            Number = number,
            FabricForwarding = underlay,
            Advertisement = new Advertisement(200, 100, [], []),
            AutomaticRouteTarget = automatic,
            ExportRouteTargets = (targets ?? []).Select(Target).Append(automatic).Order().ToEquatableList(),
            Subnets = [IPNetwork.Parse(subnet)],
            Grant = grant,
        };
    }
}
