using CN2.Network.Sequencing;
using CN2.VRouter.Dataplane;
using CN2.VRouter.V1;

namespace CN2.VRouter.Tests;

/// <summary>What an agent answers to a revision.</summary>
public sealed class AppliedMessagesTests
{
    private static readonly Dictionary<ItemKey, string> None = [];

    [Fact]
    public void Nothing_refused_is_a_plain_answer_for_every_server()
    {
        Assert.Equal(new Applied { Revision = 3 }, AppliedMessages.Of(3, None, [], takesRefusals: true));
        Assert.Equal(new Applied { Revision = 3 }, AppliedMessages.Of(3, None, [], takesRefusals: false));
    }

    [Fact]
    public void Reasons_are_cut_and_too_many_refusals_refuse_the_revision()
    {
        var refused = Instances(RefusalProtocol.MaximumRefusals);
        var applied = AppliedMessages.Of(3, None, refused, takesRefusals: true);
        Assert.Equal((RefusalProtocol.MaximumRefusals, ""), (applied.Refused.Count, applied.Error));
        Assert.InRange(applied.CalculateSize(), 1, 2 * 1024 * 1024);
        applied = AppliedMessages.Of(3, new Dictionary<ItemKey, string> { [new ItemKey { RoutingInstance = 9 }] = "first" }, refused, takesRefusals: true);
        Assert.Empty(applied.Refused);
        Assert.Equal($"first (and {RefusalProtocol.MaximumRefusals} more)", applied.Error);
    }

    [Fact]
    public void Every_kind_of_item_is_named_by_its_key()
    {
        VirtualRouterItem[] items =
        [
            new VirtualRouterItem.NatEntry(WireMapping.Key(Wire.Key("100.0.0.4", 17, 53))), new VirtualRouterItem.FloatingIP(System.Net.IPAddress.Parse("fd00::4")),
            new VirtualRouterItem.RoutingInstance(5), new VirtualRouterItem.VpnRoute(WireMapping.RouteKey(Wire.RouteKey(5, "198.51.100.0/24"))),
        ];
        var keys = AppliedMessages.Of(3, None, [.. items.Select(i => new DataplaneRefusal(i, "no"))], takesRefusals: true).Refused.Select(r => r.Item).ToList();
        Assert.Equal(
            [
                new ItemKey { NatEntry = Wire.Key("100.0.0.4", 17, 53) }, new ItemKey { FloatingIp = Wire.Address("fd00::4") },
                new ItemKey { RoutingInstance = 5 }, new ItemKey { VpnRoute = Wire.RouteKey(5, "198.51.100.0/24") },
            ],
            keys);
    }

    private static List<DataplaneRefusal> Instances(int count) =>
        [.. Enumerable.Range(1, count).Select(i => new DataplaneRefusal(new VirtualRouterItem.RoutingInstance(i), new string('r', 5000)))];
}
