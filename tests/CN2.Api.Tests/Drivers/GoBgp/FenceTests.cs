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
            foreach (var held in (CN2.Api.Drivers.BgpPath[])[Path("100.0.1.4", "172.27.115.242"), Path("2001:db8:1::4", "fd00:115::242"), Vpn("100.0.1.4", "172.27.115.242", 5), Vpn("2001:db8:1::4", "172.27.115.242", 5)])
                Assert.True(speaker.IsHeldBack(held.Key), $"{held.Key}");
            Assert.False(speaker.IsHeldBack(Key("100.0.0.4", "172.27.115.242")));

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
        // FRR gives the path its version when it has chosen it.
        await Eventually.TrueAsync(() => frr.Paths("100.0.0.4/32") is [var path] && path.GetProperty("version").GetInt64() > 0, "what is admitted", 30);
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

    /// <summary>What somebody may do by hand with the policies of the engine. They are named by what it does to them.</summary>
    [Theory]
    [InlineData("assignment")]
    [InlineData("default action")]
    [InlineData("order")]
    [InlineData("policy")]
    [InlineData("statement")]
    [InlineData("prefixes")]
    [InlineData("route targets")]
    [InlineData("communities")]
    [InlineData("neighbours")]
    [InlineData("import")]
    public Task A_policy_that_somebody_changes_in_the_engine_is_restored_and_what_slipped_out_is_withdrawn(string what) => RestoresAsync(what);

    [Fact]
    public Task A_policy_is_restored_of_which_somebody_uses_a_statement_elsewhere() => RestoresAsync("statements used elsewhere");

    [Fact]
    public async Task What_slipped_out_while_no_server_ran_is_withdrawn_by_the_next_one()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, Asn, FrrVpnNeighbor());
        await using (var speaker = Speaker(engine)) await BeginAsync(speaker);
        await ChangeAsync(engine, "assignment");
        await engine.ByHand.ResetPeerAsync(new() { Address = "all", Soft = true, Direction = ResetPeerRequest.Types.SoftResetDirection.Out }, cancellationToken: Token);
        await Eventually.TrueAsync(() => frr.Paths("203.0.113.9/32").Count == 1, "it slips out", 20, () => engine.Output);

        await using var next = Speaker(engine);
        await BeginAsync(next);
        await Eventually.TrueAsync(() => frr.Paths("203.0.113.9/32").Count == 0, "it is withdrawn", 20, () => frr.Show("show bgp ipv4 unicast") + engine.Output);
        await Eventually.StaysAsync(() => next.Counters.PolicyRepairs == 1 && frr.Paths("100.0.0.4/32").Count == 1, "one repair", TimeSpan.FromSeconds(5));
        Assert.Equal(1, frr.Session("172.27.115.241").Established);

        async Task BeginAsync(GoBgpSpeaker speaker)
        {
            await speaker.StartAsync(Token);
            await speaker.SetFenceAsync(Fence(Rule(false, ["100.0.0.0/24"])), Token);
            await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242"), Path("203.0.113.9", "172.27.115.242")], Token);
            await speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
            await Eventually.TrueAsync(() => frr.Paths("100.0.0.4/32").Count == 1, "what is admitted", 30, () => engine.Output);
        }
    }

    [Fact]
    public async Task Policies_of_every_form_that_nobody_has_changed_are_found_as_they_were_made()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        for (var run = 1; run <= 2; run++)
        {
            await using var speaker = Speaker(engine);
            await speaker.StartAsync(Token);
            await speaker.SetFenceAsync(Fence(
                Rule(false, ["100.0.0.0/24", "100.0.0.0/25", "2001:DB8::/64", "::/0"], communities: ["64512:1-10", "NO_EXPORT"], large: ["64512:1:*", "4200000000:*:7"]),
                Rule(true, ["0.0.0.0/0", "2001:db8:0:0:1::/80"], ["target:64512:100-199", "target:4200000000:7", "target:10.2.2.2:561"], communities: [])), Token);
            await speaker.SetPathsAsync([Path("100.0.0.4", "172.27.115.242")], Token);
            await speaker.SetPeersAsync(
                [
                    Peer("inside", 245, change: p => p with { MaxAdvertised = 5 }),
                    Peer("outside", 246, 65001, p => p with { MaxAdvertised = 7 }),
                    Peer("outside6", 247, 65001, p => p with { Address = IPAddress.Parse("fd00:115::247"), MaxAdvertised = 9 }),
                ], Token);
            await Eventually.StaysAsync(() => speaker.Counters.PolicyRepairs == 0, "no repair", TimeSpan.FromSeconds(6));
            // A peer and a limit that come and go are no change by another program either.
            await speaker.SetPeersAsync([Peer("inside", 245)], Token);
            await Eventually.StaysAsync(() => speaker.Counters.PolicyRepairs == 0, "no repair", TimeSpan.FromSeconds(5));
        }
    }

    [Fact]
    public async Task Extended_communities_of_a_path_that_somebody_injects_do_not_leave()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, Asn, FrrVpnNeighbor());
        await using (var speaker = Speaker(engine))
        {
            await speaker.StartAsync(Token);
            await speaker.SetFenceAsync(Fence(Rule(false, ["100.0.0.0/24", "2001:db8::/64"]), Rule(true, ["100.0.0.0/24", "2001:db8::/64"], ["target:64512:100-199"])), Token);
            await speaker.SetPathsAsync([], Token);
            await speaker.SetPeersAsync([Peer("vmx1", 245)], Token);
            await speaker.EstablishedAsync("vmx1", 40);
        }

        // Past a server that is gone. In the underlay: no route target, site of origin, encapsulation or bandwidth.
        await InjectAsync(engine, Path("100.0.0.11", "172.27.115.242"), TwoOctet(2, 100));
        await InjectAsync(engine, Path("100.0.0.12", "172.27.115.242"), TwoOctet(3, 100));
        await InjectAsync(engine, Path("100.0.0.13", "172.27.115.242"), PathAttributes.Pack(new EncapExtended { TunnelType = 2 }));
        await InjectAsync(engine, Path("2001:db8::14", "fd00:115::242"), TwoOctet(2, 100));
        // In the overlay: no other encapsulation, and of types that the engine does not match nothing is left.
        await InjectAsync(engine, Vpn("100.0.0.21", "172.27.115.242", 5, ["target:64512:100"]), PathAttributes.Pack(new EncapExtended { TunnelType = 8 }));
        await InjectAsync(engine, Vpn("100.0.0.22", "172.27.115.242", 5, ["target:64512:100"]), TwoOctet(3, 100));
        await InjectAsync(engine, Vpn("100.0.0.23", "172.27.115.242", 5, ["target:64512:100"]), Unknown(0x43, 4), Unknown(0x80, 0x71), Unknown(0x40, 4));
        await InjectAsync(engine, Vpn("2001:db8::23", "172.27.115.242", 5, ["target:64512:100"]), Unknown(0x80, 0x71));
        await InjectAsync(engine, Vpn("100.0.0.77", "172.27.115.242", 5, ["target:64512:101"]));
        await InjectAsync(engine, Path("100.0.0.77", "172.27.115.242"));
        await InjectAsync(engine, Path("2001:db8::77", "fd00:115::242"));
        await Eventually.TrueAsync(() => frr.VpnPaths("100.0.0.77/32").Count == 1 && frr.Paths("100.0.0.77/32").Count == 1 && frr.Paths("2001:db8::77/128").Count == 1
            && frr.VpnPaths("100.0.0.23/32").Count == 1 && frr.VpnPaths("2001:db8::23/128").Count == 1, "what is admitted", 20, () => frr.Show("show bgp ipv4 vpn") + engine.Output);
        foreach (var prefix in (string[])["100.0.0.11/32", "100.0.0.12/32", "100.0.0.13/32", "2001:db8::14/128"]) Assert.Empty(frr.Paths(prefix));
        foreach (var prefix in (string[])["100.0.0.21/32", "100.0.0.22/32"]) Assert.Empty(frr.VpnPaths(prefix));
        var whole = Extended(frr, "100.0.0.77/32").Replace("64512:101", "64512:100", StringComparison.Ordinal);
        Assert.Contains("RT:64512:100", whole, StringComparison.Ordinal);
        Assert.Equal(whole, Extended(frr, "100.0.0.23/32"));
        Assert.Equal(whole, Extended(frr, "2001:db8::23/128"));
    }

    private async Task RestoresAsync(string what)
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("vmx1", 245, Asn, FrrVpnNeighbor());
        var outside = _lab.Frr("outside", 246, 65001, FrrVpnNeighbor());
        await using var speaker = Speaker(engine);
        await speaker.StartAsync(Token);
        await speaker.SetFenceAsync(Fence(Rule(false, ["100.0.0.0/24"], communities: ["64512:*", "NO_EXPORT"]), Rule(true, ["100.0.0.0/24"], ["target:64512:100-199"], communities: [])), Token);
        await speaker.SetPathsAsync(
        [
            Path("100.0.0.4", "172.27.115.242"),
            Path("100.0.0.5", "172.27.115.242", communities: ["NO_EXPORT"]),
            Path("100.0.0.6", "172.27.115.242", communities: ["64513:7"]),
            Path("203.0.113.9", "172.27.115.242"),
            Vpn("100.0.0.4", "172.27.115.242", 5, ["target:64512:100"]),
            Vpn("100.0.0.5", "172.27.115.242", 5, ["target:64512:900"]),
        ], Token);
        await speaker.SetPeersAsync([Peer("vmx1", 245), Peer("outside", 246, 65001)], Token);
        await Eventually.TrueAsync(HasWhatIsAdmitted, "what is admitted", 40, Seen);
        // Nothing is found where nothing was changed.
        await Eventually.StaysAsync(() => speaker.Counters.PolicyRepairs == 0, "no repair", TimeSpan.FromSeconds(5));

        await ChangeAsync(engine, what);
        // It takes effect when the engine sends the routes.
        await engine.ByHand.ResetPeerAsync(new() { Address = "all", Soft = true, Direction = ResetPeerRequest.Types.SoftResetDirection.Out }, cancellationToken: Token);
        await Eventually.TrueAsync(() => speaker.Counters.PolicyRepairs == 1, "it is restored", 40, () => engine.Output);
        await Eventually.TrueAsync(() => HasWhatIsAdmitted() && Slipped().Count == 0, "only what is admitted", 20, Seen);
        await InjectAsync(engine, Path("203.0.113.10", "172.27.115.242"));
        await speaker.ChangePathsAsync([Path("100.0.0.7", "172.27.115.242")], [], Token);
        await Eventually.TrueAsync(() => frr.Paths("100.0.0.7/32").Count == 1 && outside.Paths("100.0.0.7/32").Count == 1, "a later route", 20, Seen);
        Assert.Empty(frr.Paths("203.0.113.10/32"));
        await Eventually.StaysAsync(() => speaker.Counters.PolicyRepairs == 1 && Slipped().Count == 0, "one repair", TimeSpan.FromSeconds(5));
        Assert.Equal((1, 1), (frr.Session("172.27.115.241").Established, outside.Session("172.27.115.241").Established));

        bool HasWhatIsAdmitted() => frr.Paths("100.0.0.4/32").Count == 1 && frr.Paths("100.0.0.5/32").Count == 1 && frr.VpnPaths("100.0.0.4/32").Count == 1
            && outside.Paths("100.0.0.4/32").Count == 1 && Communities(frr, "100.0.0.4/32") == "";

        List<string> Slipped() =>
        [
            .. new[] { frr, outside }.SelectMany(r => new[] { "203.0.113.9/32", "100.0.0.6/32" }.Where(p => r.Paths(p).Count > 0)),
            .. new[] { frr, outside }.SelectMany(r => new[] { "100.0.0.5/32" }.Where(p => r.VpnPaths(p).Count > 0)),
            .. outside.Paths("100.0.0.5/32").Select(_ => "NO_EXPORT"),
        ];

        string Seen() => $"{string.Join(' ', Slipped())} {frr.Show("show bgp ipv4 unicast")} {outside.Show("show bgp ipv4 unicast")} {frr.Show("show bgp ipv4 vpn")} {string.Join(';', speaker.Sessions)} {engine.Output}";
    }

    private static string Extended(FrrRouter router, string prefix) =>
        router.VpnPaths(prefix).Values.Single().GetProperty("extendedCommunity").GetProperty("string").GetString()!;

    private static string Communities(FrrRouter router, string prefix) =>
        router.Paths(prefix).Select(p => p.TryGetProperty("community", out var community) ? community.GetProperty("string").GetString()! : "").FirstOrDefault() ?? "absent";

    private static Google.Protobuf.WellKnownTypes.Any TwoOctet(uint subType, uint number) =>
        PathAttributes.Pack(new TwoOctetAsSpecificExtended { IsTransitive = true, SubType = subType, Asn = Asn, LocalAdmin = number });

    private static Google.Protobuf.WellKnownTypes.Any Unknown(uint type, byte subType) =>
        PathAttributes.Pack(new UnknownExtended { Type = type, Value = Google.Protobuf.ByteString.CopyFrom([subType, 0, 0, 0, 0, 0, 7]) });

    private static async Task ChangeAsync(GoBgpd engine, string what)
    {
        var assignments = await AssignmentsAsync(engine);
        var (import, export) = (assignments[PolicyDirection.Import], assignments[PolicyDirection.Export]);
        var fence = export.Policies.Single(p => p.Name.StartsWith(FencePolicy.Prefix, StringComparison.Ordinal));
        switch (what)
        {
            case "assignment":
                await AssignAsync(PolicyDirection.Export, export.Policies.Where(p => p != fence), RouteAction.Accept);
                break;
            case "default action":
                await AssignAsync(PolicyDirection.Export, export.Policies, RouteAction.Accept);
                break;
            case "order":
                await AssignAsync(PolicyDirection.Export, export.Policies.Reverse(), RouteAction.Reject);
                break;
            case "policy":
                await engine.ByHand.AddPolicyAsync(new() { Policy = new() { Name = "mine", Statements = { new Statement { Name = "mine", Conditions = new(), Actions = new() { RouteAction = RouteAction.Accept } } } } }, cancellationToken: Token);
                await AssignAsync(PolicyDirection.Export, export.Policies.Prepend(new() { Name = "mine" }), RouteAction.Reject);
                break;
            case "statement":
                await engine.ByHand.AddPolicyAsync(new()
                {
                    Policy = new() { Name = fence.Name, Statements = { new Statement { Name = "mine", Conditions = new(), Actions = new() { RouteAction = RouteAction.Accept } } } },
                }, cancellationToken: Token);
                break;
            case "statements used elsewhere":
                await engine.ByHand.AddPolicyAsync(new() { Policy = new() { Name = "mine", Statements = { new Statement { Name = fence.Statements[1].Name } } }, ReferExistingStatements = true }, cancellationToken: Token);
                await AssignAsync(PolicyDirection.Export, export.Policies.Where(p => p != fence), RouteAction.Accept);
                break;
            case "prefixes":
                await AddAsync(new() { DefinedType = DefinedType.Prefix, Name = SetOf(c => c.PrefixSet), Prefixes = { new Prefix { IpPrefix = "203.0.113.0/24", MaskLengthMin = 24, MaskLengthMax = 32 } } });
                break;
            case "route targets":
                await AddAsync(new() { DefinedType = DefinedType.ExtCommunity, Name = fence.Statements.Select(s => s.Conditions).Last(c => c.ExtCommunitySet is not null).ExtCommunitySet.Name, List = { "rt:^64512:900$" } });
                break;
            case "communities":
                var others = fence.Statements.Select(s => s.Conditions).First(c => c.CommunitySet is not null).CommunitySet.Name;
                foreach (var expression in await ListAsync(DefinedType.Community, others))
                    await engine.ByHand.DeleteDefinedSetAsync(new() { DefinedSet = new() { DefinedType = DefinedType.Community, Name = others, List = { expression } } }, cancellationToken: Token);
                break;
            case "neighbours":
                await engine.ByHand.DeleteDefinedSetAsync(new() { DefinedSet = new() { DefinedType = DefinedType.Neighbor, Name = WantedPolicy.ExternalPeers, List = { "172.27.115.246/32" } } }, cancellationToken: Token);
                break;
            default:
                await AssignAsync(PolicyDirection.Import, [], RouteAction.Accept);
                Assert.NotEmpty(import.Policies);
                break;
        }

        string SetOf(Func<Conditions, MatchSet?> set) => fence.Statements.Select(s => set(s.Conditions)).OfType<MatchSet>().First().Name;

        async Task AddAsync(DefinedSet set) => await engine.ByHand.AddDefinedSetAsync(new() { DefinedSet = set }, cancellationToken: Token);

        async Task<List<string>> ListAsync(DefinedType type, string name)
        {
            using var call = engine.ByHand.ListDefinedSet(new() { DefinedType = type, Name = name }, cancellationToken: Token);
            var entries = new List<string>();
            while (await call.ResponseStream.MoveNext(Token)) entries.AddRange(call.ResponseStream.Current.DefinedSet.List);
            return entries;
        }

        async Task AssignAsync(PolicyDirection direction, IEnumerable<Policy> policies, RouteAction otherwise) =>
            await engine.ByHand.SetPolicyAssignmentAsync(
                new() { Assignment = new() { Name = "global", Direction = direction, DefaultAction = otherwise, Policies = { policies.Select(p => new Policy { Name = p.Name }) } } }, cancellationToken: Token);
    }

    private static async Task<Dictionary<PolicyDirection, PolicyAssignment>> AssignmentsAsync(GoBgpd engine)
    {
        using var call = engine.ByHand.ListPolicyAssignment(new() { Name = "global" }, cancellationToken: Token);
        var assignments = new Dictionary<PolicyDirection, PolicyAssignment>();
        while (await call.ResponseStream.MoveNext(Token)) assignments[call.ResponseStream.Current.Assignment.Direction] = call.ResponseStream.Current.Assignment;
        return assignments;
    }

    private static void OnlyAdmitted(FrrRouter router)
    {
        foreach (var prefix in (string[])["100.0.0.5/32", "100.0.0.6/32", "100.0.1.4/32", "2001:db8:1::4/128"]) Assert.Empty(router.Paths(prefix));
        foreach (var prefix in (string[])["100.0.0.5/32", "100.0.0.6/32", "100.0.0.7/32", "100.0.1.4/32", "2001:db8:1::4/128"]) Assert.Empty(router.VpnPaths(prefix));
    }

    /// <param name="engine">Past the server.</param>
    /// <param name="path">Of the server's form.</param>
    /// <param name="extended">Further extended communities, before its own.</param>
    private static async Task InjectAsync(GoBgpd engine, CN2.Api.Drivers.BgpPath path, params Google.Protobuf.WellKnownTypes.Any[] extended)
    {
        var (key, nextHop, attributes) = new PathMapper(64512).Map(path);
        var wire = PathMapper.Encode(new(key, new(nextHop, attributes, nextHop.Identifier), IsWithdraw: false));
        if (extended.Length > 0)
        {
            var own = wire.Pattrs.FirstOrDefault(a => a.Is(ExtendedCommunitiesAttribute.Descriptor));
            if (own is not null) wire.Pattrs.Remove(own);
            wire.Pattrs.Add(PathAttributes.Pack(new ExtendedCommunitiesAttribute { Communities = { extended, own?.Unpack<ExtendedCommunitiesAttribute>().Communities ?? [] } }));
        }
        await engine.ByHand.AddPathAsync(new() { TableType = TableType.Global, Path = wire }, cancellationToken: Token);
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
