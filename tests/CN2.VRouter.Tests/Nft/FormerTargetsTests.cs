using System.Net;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Nft;
using Microsoft.Extensions.Time.Testing;

namespace CN2.VRouter.Tests.Nft;

public sealed class FormerTargetsTests
{
    [Fact]
    public void So_many_are_remembered_as_the_kernel_takes_and_room_comes_back_with_time()
    {
        var time = new FakeTimeProvider();
        var former = new FormerTargets(time);
        Assert.Equal(NftReplies.MostFormer, former.Room());
        former.Add(Targets(10));
        time.Advance(NftReplies.FormerTime);
        former.Add(Targets(20));
        Assert.Equal(NftReplies.MostFormer - 30, former.Room());
        Assert.Equal(20, former.All().Count);
        time.Advance(TimeSpan.FromMinutes(3));
        Assert.Equal(NftReplies.MostFormer - 20, former.Room());
        former.Replace(former.All());
        time.Advance(NftReplies.FormerTime);
        Assert.Equal(NftReplies.MostFormer - 20, former.Room());
    }

    [Fact]
    public void A_change_adds_no_more_than_there_is_room_for()
    {
        var entry = Configs.NatEntry("100.0.0.4", TransportProtocol.TCP, 80, "10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80");
        var options = new NftOptions("cn2", null, null);
        var (_, contents) = NftContents.Whole(options, Configs.Config(entry));
        var change = new DataplaneChange { NatEntries = { entry.Key } };
        var transaction = contents.Difference(options, Configs.Config(), change, formerRoom: 2);
        Assert.Equal(2, transaction.Former.Count);
        Assert.Contains("add element ip cn2 former_targets {\n  10.0.0.1 . 6 . 80,\n  10.0.0.2 . 6 . 80\n}\n", transaction.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("former", contents.Difference(options, Configs.Config(), change, formerRoom: 0).Text, StringComparison.Ordinal);
    }

    private static ReplyTarget[] Targets(int count) => [.. Enumerable.Range(1, count).Select(port => new ReplyTarget(IPAddress.Parse("10.0.0.1"), TransportProtocol.TCP, (ushort)port))];
}
