using System.Net;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Drivers.GoBgp.Wire;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using CN2.Network.Collections;
using CN2.Network.Fencing;
using CN2.Network.Grants;
using static CN2.Api.Tests.Drivers.GoBgp.Spec;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>What the engine's export policy lets out to a real router, whoever put it into the engine.</summary>
public sealed class FenceTests : IDisposable
{
    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task Only_what_a_rule_admits_reaches_FRR_in_unicast_and_in_VPN_by_ADD_PATH_and_without()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, Asn, FrrVpnNeighbor());
        var second = _lab.Frr("vmx2", 246, Asn, FrrVpnNeighbor());
        await using (var speaker = Speaker(engine))
        {
            await speaker.StartAsync(Token);
            await speaker.SetFenceAsync(Fence(
                Rule(false, ["100.0.0.0/24", "2001:db8::/64"], communities: ["64512:*", "NO_EXPORT"], large: ["64512:1:*"]),
                Rule(true, ["100.0.0.0/24", "2001:db8::/64"], ["target:64512:100-199", "target:64512:8000005", "target:4200000000:7", "target:10.2.2.2:561"], communities: [])), Token);
            await speaker.SetPathsAsync(
            [
                Path("100.0.0.4", "172.27.115.242", communities: ["64512:7"], large: ["64512:1:9"]),
                Path("100.0.0.4", "172.27.115.243"),
                Path("100.0.0.5", "172.27.115.242", communities: ["64512:7", "64513:7"]),
                Path("100.0.0.6", "172.27.115.242", large: ["64512:2:9"]),
                Path("100.0.1.4", "172.27.115.242"),
                Path("2001:db8::4", "fd00:115::242"),
                Path("2001:db8:1::4", "fd00:115::242"),
                Vpn("100.0.0.4", "172.27.115.242", 5, ["target:64512:100", "target:64512:8000005", "target:4200000000:7", "target:10.2.2.2:561"]),
                Vpn("100.0.0.5", "172.27.115.242", 5, ["target:64512:100", "target:64512:200", "target:64512:8000005"]),
                Vpn("100.0.0.6", "172.27.115.242", 5, ["target:64512:100"], ["64512:7"]),
                Vpn("100.0.0.7", "172.27.115.242", 5, ["target:64512:100", "target:4200000000:8"]),
                Vpn("100.0.1.4", "172.27.115.242", 5, ["target:64512:100"]),
                Vpn("2001:db8::4", "172.27.115.242", 5, ["target:64512:199"]),
                Vpn("2001:db8:1::4", "172.27.115.242", 5, ["target:64512:199"]),
            ], Token);
            await speaker.SetPeersAsync([Peer("vmx1", 245), Peer("vmx2", 246, change: p => p with { AddPath = false })], Token);
            Assert.Equal(9, speaker.Counters.PathsHeldBack);

            foreach (var (router, hops) in ((FrrRouter, int)[])[(frr, 2), (second, 1)])
            {
                // What is sent last shows that everything before it was decided.
                await Eventually.TrueAsync(() => router.NextHops("100.0.0.4/32").Count == hops && router.Paths("2001:db8::4/128").Count == 1
                    && router.VpnPaths("100.0.0.4/32").Count == 1 && router.VpnPaths("2001:db8::4/128").Count == 1, "what is admitted", 40,
                    () => router.Show("show bgp ipv4 unicast") + router.Show("show bgp ipv4 vpn") + string.Join(";", speaker.Sessions) + engine.Output);
                OnlyAdmitted(router);
            }
        }

        // By hand, past a server that is gone: neither family leaves. What is injected behind and admitted shows that the engine has decided.
        await InjectAsync(engine, Path("203.0.113.9", "172.27.115.242"));
        await InjectAsync(engine, Path("100.0.0.9", "172.27.115.242", communities: ["64513:7"]));
        await InjectAsync(engine, Vpn("203.0.113.9", "172.27.115.242", 5, ["target:64512:100"]));
        await InjectAsync(engine, Vpn("100.0.0.9", "172.27.115.242", 6, ["target:64512:999"]));
        await InjectAsync(engine, Path("100.0.0.77", "172.27.115.242"));
        await InjectAsync(engine, Vpn("100.0.0.77", "172.27.115.242", 5, ["target:64512:101"]));
        foreach (var router in new[] { frr, second })
        {
            await Eventually.TrueAsync(() => router.Paths("100.0.0.77/32").Count == 1 && router.VpnPaths("100.0.0.77/32").Count == 1, "what is admitted", 10);
            foreach (var prefix in (string[])["203.0.113.9/32", "100.0.0.9/32"]) Assert.Empty(router.Paths(prefix));
            foreach (var prefix in (string[])["203.0.113.9/32", "100.0.0.9/32"]) Assert.Empty(router.VpnPaths(prefix));
            OnlyAdmitted(router);
        }
    }

    [Fact]
    public async Task Another_fence_touches_no_session_and_no_route_that_stays_and_lets_out_what_it_admits_now()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, Asn, FrrVpnNeighbor());
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetFenceAsync(Fence(Rule(false, ["100.0.0.0/24"])), Token);
        await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242"), Path("100.0.1.4", "172.27.115.242"), Vpn("100.0.0.4", "172.27.115.242", 5)], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
        await Eventually.TrueAsync(() => frr.Paths("100.0.0.4/32").Count == 1, "what is admitted", 30);
        Assert.Equal(["vmx1"], speaker.KeptFrom(Key("100.0.1.4", "172.27.115.242")));
        Assert.Equal(2, speaker.Counters.PathsHeldBack);
        var established = frr.Session("172.27.115.241").Established;
        var since = frr.Paths("100.0.0.4/32")[0].GetProperty("version").GetRawText();

        await speaker.SetFenceAsync(Fence(Rule(false, ["100.0.0.0/24", "100.0.1.0/24"]), Rule(true, ["100.0.0.0/24"], ["target:64512:*"])), Token);
        await Eventually.TrueAsync(() => frr.Paths("100.0.1.4/32").Count == 1 && frr.VpnPaths("100.0.0.4/32").Count == 1, "what is admitted now", 10);
        Assert.Equal(0, speaker.Counters.PathsHeldBack);
        Assert.Empty(speaker.KeptFrom(Key("100.0.1.4", "172.27.115.242")));
        Assert.Equal(established, frr.Session("172.27.115.241").Established);
        Assert.Equal(since, frr.Paths("100.0.0.4/32")[0].GetProperty("version").GetRawText());

        // A network of its own: the fence before its path, which then leaves at once.
        await speaker.SetFenceAsync(Fence(Rule(false, ["100.0.0.0/24", "100.0.1.0/24", "100.0.2.0/24"]), Rule(true, ["100.0.0.0/24"], ["target:64512:*"])), Token);
        await speaker.ChangePathsAsync([Path("100.0.2.4", "172.27.115.242")], [], Token);
        await Eventually.TrueAsync(() => frr.Paths("100.0.2.4/32").Count == 1, "the new network", 10);
        Assert.Equal(established, frr.Session("172.27.115.241").Established);
        Assert.Single(await PoliciesAsync(engine), p => p.StartsWith(FencePolicy.Prefix, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_fence_stands_in_an_engine_that_was_killed_and_in_one_whose_server_begins_anew()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, Asn, FrrNeighbor());
        await using (var speaker = Speaker(engine))
        {
            await speaker.StartAsync(Token);
            await speaker.SetFenceAsync(Fence(Rule(false, ["100.0.0.0/24"])), Token);
            await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242"), Path("100.0.1.4", "172.27.115.242")], Token);
            await speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
            await Eventually.TrueAsync(() => frr.Paths("100.0.0.4/32").Count == 1, "what is admitted", 30);
            engine.Kill();
            await Eventually.TrueAsync(() => !speaker.Healthy, "unhealthy", 10);
            engine.Start();
            await speaker.EstablishedAsync("vmx1", 40);
            await speaker.ChangePathsAsync([Path("100.0.0.5", "172.27.115.242")], [], Token);
            await Eventually.TrueAsync(() => frr.Paths("100.0.0.5/32").Count == 1, "a later path", 30);
            Assert.Empty(frr.Paths("100.0.1.4/32"));
        }

        // The next server does not know the fence yet.
        await using (var next = Speaker(engine)) await next.StartAsync(Token);
        await InjectAsync(engine, Path("203.0.113.9", "172.27.115.242"));
        await InjectAsync(engine, Path("100.0.0.6", "172.27.115.242"));
        await Eventually.TrueAsync(() => frr.Paths("100.0.0.6/32").Count == 1, "what is admitted", 10);
        Assert.Empty(frr.Paths("203.0.113.9/32"));

        // And one that begins with a wider fence sends what the earlier one held back.
        await using var wider = Speaker(engine);
        await wider.StartAsync(Token);
        await wider.SetFenceAsync(Fence(Rule(false, ["100.0.0.0/24", "100.0.1.0/24"])), Token);
        await wider.SetPathsAsync([Path("100.0.0.4", "172.27.115.242"), Path("100.0.1.4", "172.27.115.242")], Token);
        await wider.SetPeersAsync([Peer("vmx1", 245)], Token);
        await Eventually.TrueAsync(() => frr.Paths("100.0.1.4/32").Count == 1, "what the earlier fence held back", 20);
    }

    private static void OnlyAdmitted(FrrRouter router)
    {
        foreach (var prefix in (string[])["100.0.0.5/32", "100.0.0.6/32", "100.0.1.4/32", "2001:db8:1::4/128"]) Assert.Empty(router.Paths(prefix));
        foreach (var prefix in (string[])["100.0.0.5/32", "100.0.0.6/32", "100.0.0.7/32", "100.0.1.4/32", "2001:db8:1::4/128"]) Assert.Empty(router.VpnPaths(prefix));
    }

    private static async Task InjectAsync(GoBgpd engine, CN2.Api.Drivers.BgpPath path)
    {
        var (key, nextHop, attributes) = new PathMapper().Map(path);
        await engine.ByHand.AddPathAsync(
            new() { TableType = TableType.Global, Path = PathMapper.Encode(new(key, new(nextHop, attributes, nextHop.Identifier), IsWithdraw: false)) }, cancellationToken: Token);
    }

    private static async Task<List<string>> PoliciesAsync(GoBgpd engine)
    {
        using var call = engine.ByHand.ListPolicyAssignment(new() { Name = "global", Direction = PolicyDirection.Export }, cancellationToken: Token);
        var names = new List<string>();
        while (await call.ResponseStream.MoveNext(Token)) names.AddRange(call.ResponseStream.Current.Assignment.Policies.Select(p => p.Name));
        return names;
    }

    private static ExportFence Fence(params ExportRule[] rules) => new(rules.ToEquatableList());

    private static ExportRule Rule(bool isOverlay, string[] prefixes, string[]? targets = null, string[]? communities = null, string[]? large = null) => new(
        "test", isOverlay, prefixes.Select(IPNetwork.Parse).ToEquatableList(),
        (targets ?? []).Select(t => RouteTargetPattern.TryParse(t, out var pattern, out var error) ? pattern : throw new ArgumentException(error)).ToEquatableList(),
        communities?.Select(t => CommunityPattern.TryParse(t, out var pattern, out var error) ? pattern : throw new ArgumentException(error)).ToEquatableList(),
        large?.Select(t => LargeCommunityPattern.TryParse(t, out var pattern, out var error) ? pattern : throw new ArgumentException(error)).ToEquatableList());
}
