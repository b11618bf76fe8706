using CN2.Api.Drivers.GoBgp;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using static CN2.Api.Tests.Drivers.GoBgp.Lab.ConstrainedRouter;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>A router that withdraws one of its memberships (RFC 4684 §6) keeps the routes of the others, and loses those that nothing asks for any more.</summary>
public sealed class MembershipTests : IDisposable
{
    private const string One = "100.0.0.1/32", Two = "100.0.0.2/32", Both = "100.0.0.3/32", None = "100.0.0.4/32";

    private static readonly byte[] Default = [0];

    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_routes_of_the_other_membership_stay(bool severalInOneUpdate)
    {
        var (speaker, router) = await StartAsync();
        await using var _ = speaker;
        using var __ = router;
        if (severalInOneUpdate) router.Announce(Membership(Asn, 64512, 1), Membership(Asn, 64512, 2));
        else
        {
            router.Announce(Membership(Asn, 64512, 1));
            router.Announce(Membership(Asn, 64512, 2));
        }
        await HasAsync(speaker, router, One, Two, Both);
        var before = router.Log.Count;
        router.Withdraw(Membership(Asn, 64512, 1));
        await HasAsync(speaker, router, Two, Both);
        // What stays is not withdrawn and sent again in between.
        Assert.Equal(["-" + One], router.Log.Skip(before));
        // A new route of either target.
        await speaker.ChangePathsAsync([Vpn("100.0.0.5", "172.27.115.243", 5, ["target:64512:1"]), Vpn("100.0.0.6", "172.27.115.243", 6, ["target:64512:2"])], [], Token);
        await HasAsync(speaker, router, Two, Both, "100.0.0.6/32");
        router.Announce(Membership(Asn, 64512, 1));
        await HasAsync(speaker, router, One, Two, Both, "100.0.0.5/32", "100.0.0.6/32");
        router.Withdraw(Membership(Asn, 64512, 2), Membership(Asn, 64512, 1));
        await HasAsync(speaker, router);
    }

    [Fact]
    public async Task With_the_default_membership_another_one_may_come_and_go()
    {
        var (speaker, router) = await StartAsync();
        await using var _ = speaker;
        using var __ = router;
        router.Announce(Default);
        router.Announce(Membership(Asn, 64512, 1));
        await HasAsync(speaker, router, One, Two, Both, None);
        router.Withdraw(Membership(Asn, 64512, 1));
        router.Announce(Membership(Asn, 64512, 2));
        await Eventually.TrueAsync(() => speaker.Session("rr").Received == 2, "both read", 10, () => string.Join(";", speaker.Sessions));
        await HasAsync(speaker, router, One, Two, Both, None);
        Assert.DoesNotContain(router.Log, l => l[0] == '-');
        router.Withdraw(Default);
        await HasAsync(speaker, router, Two, Both);
    }

    [Fact]
    public async Task A_target_that_two_ASes_ask_for_is_asked_for_until_both_stop()
    {
        // A route reflector passes on the memberships of its clients, one for each origin AS.
        var (speaker, router) = await StartAsync();
        await using var _ = speaker;
        using var __ = router;
        router.Announce(Membership(Asn, 64512, 1), Membership(65001, 64512, 1), Membership(Asn, 64512, 2));
        await HasAsync(speaker, router, One, Two, Both);
        router.Withdraw(Membership(Asn, 64512, 1));
        router.Announce(Membership(Asn, 64512, 9));
        await Eventually.TrueAsync(() => speaker.Session("rr").Received == 3, "both read", 10, () => string.Join(";", speaker.Sessions));
        await HasAsync(speaker, router, One, Two, Both);
        Assert.DoesNotContain(router.Log, l => l[0] == '-');
        router.Withdraw(Membership(65001, 64512, 1));
        await HasAsync(speaker, router, Two, Both);
    }

    private async Task<(GoBgpSpeaker Speaker, ConstrainedRouter Router)> StartAsync()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetPathsAsync([
            Vpn("100.0.0.1", "172.27.115.242", 1, ["target:64512:1"]), Vpn("100.0.0.2", "172.27.115.242", 2, ["target:64512:2"]),
            Vpn("100.0.0.3", "172.27.115.242", 3, ["target:64512:1", "target:64512:2"]), Vpn("100.0.0.4", "172.27.115.242", 4, ["target:64512:4"])], Token);
        await speaker.SetPeersAsync([Peer("rr", 245, change: p => p with { AddressFamilies = ["inet-vpn", "route-target"], Passive = true })], Token);
        var router = new ConstrainedRouter(_lab, "rr", 245);
        await speaker.EstablishedAsync("rr");
        return (speaker, router);
    }

    private static async Task HasAsync(GoBgpSpeaker speaker, ConstrainedRouter router, params string[] routes)
    {
        await Eventually.TrueAsync(() => router.Routes.SequenceEqual(routes), string.Join(", ", routes), 40, () => $"{string.Join(", ", router.Log)} | {string.Join(";", speaker.Sessions)}");
        await Eventually.TrueAsync(() => speaker.Session("rr").Advertised == routes.Length, $"{routes.Length} advertised", 10, () => string.Join(";", speaker.Sessions));
    }
}
