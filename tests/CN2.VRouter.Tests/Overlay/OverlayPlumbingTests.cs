using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using CN2.Network.Sequencing;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Overlay;
using CN2.VRouter.Tests.Lab;
using Microsoft.Extensions.Logging.Abstractions;

namespace CN2.VRouter.Tests.Overlay;

/// <summary>The engine makes, watches, repairs, takes over and removes devices, routes and rules, and touches no others.</summary>
public sealed partial class OverlayPlumbingTests : IAsyncDisposable
{
    private static readonly Answer FromPod1 = new("pod1", OverlayLab.Client);

    private readonly OverlayLab _lab = new();

    public ValueTask DisposeAsync() => _lab.DisposeAsync();

    [Theory]
    [InlineData("link del cn2-5", "device cn2-5 is gone")]
    [InlineData("link set cn2-5 down", "device cn2-5 was changed")]
    [InlineData("link set cn2-5 down\nlink set cn2-5 up", "device cn2-5 was changed")]
    [InlineData("link set cn2-5 mtu 1400", "device cn2-5 was changed")]
    [InlineData("link set cn2-5 down\nlink set cn2-5 name renamed", "device cn2-5 was changed")]
    [InlineData("rule del pref 13100", "rule 13100 for the mark 0xcb300005 is gone")]
    [InlineData("rule del pref 13102", "rule 13102 for the mark 0xcb300000 is gone")]
    [InlineData("-6 rule del pref 13100", "rule 13100 for the mark 0xcb300005 is gone")]
    [InlineData("route del 203.0.113.0/24 table 0xcb300005", "a route of table 0xcb300005 was changed")]
    [InlineData("route replace unreachable 203.0.113.0/24 table 0xcb300005", "a route of table 0xcb300005 was changed")]
    [InlineData("-6 route flush table 0xcb300005", "a route of table 0xcb300005 was changed")]
    public async Task A_manual_change_is_reported_and_repaired(string commands, string report)
    {
        await _lab.ApplyAsync(OverlayLab.OneVpn(udp: true));
        _lab.Peer1("udp");
        Assert.Equal(FromPod1, await _lab.ReachAsync());
        var before = State();
        foreach (var line in commands.Split('\n')) _lab.Node.Exec(["ip", .. line.Split(' ')]);
        Assert.NotEqual(before, State());
        await _lab.DriftAsync(report);

        await _lab.ApplyAsync(_lab.Config, new OverlayChange());
        Assert.Equal(before, State());
        Assert.Equal(FromPod1, await _lab.ReachAsync());
        Assert.Equal(new Answer("pod1", OverlayLab.Client6), await _lab.ReachAsync(ProtocolType.Tcp, OverlayLab.Pod1v6));
    }

    [Fact]
    public async Task The_engines_own_changes_are_not_reported()
    {
        await _lab.ApplyAsync(OverlayLab.OneVpn(udp: true));
        await _lab.ApplyAsync(OverlayLab.TwoVpns());
        await _lab.ApplyAsync(OverlayLab.OneVpn(udp: false));
        // Notices come in order, so the report of the manual change comes after any report of the engine's own changes.
        _lab.Node.Exec("ip", "rule", "del", "pref", "13102");
        Assert.Equal("rule 13102 for the mark 0xcb300000 is gone", await _lab.Engine.Drift.ReadAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_device_that_is_removed_while_packets_flow_stops_no_other()
    {
        await _lab.ApplyAsync(OverlayLab.TwoVpns());
        _lab.Peer1("udp");
        _lab.Peer2("gre");
        using var connection = await EchoClient.OpenAsync(_lab.Router2, ProtocolType.Tcp, OverlayLab.Pod2, 80);
        using var stop = new CancellationTokenSource();
        using var router = _lab.Router1.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        var flood = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested) router.SendTo("?"u8, new IPEndPoint(IPAddress.Parse(OverlayLab.Pod1), 80));
        }, TestContext.Current.CancellationToken);
        for (var round = 0; round < 10; round++)
        {
            _lab.Node.Exec("ip", "link", "del", "cn2-5");
            await _lab.DriftAsync("device cn2-5 is gone");
            await _lab.ApplyAsync(_lab.Config, new OverlayChange());
        }

        await stop.CancelAsync();
        await flood;
        await _lab.UntilAsync(async () => await _lab.ReachAsync() == FromPod1); // the queues are still full
        Assert.True(await connection!.EchoesAsync());
    }

    [Fact]
    public async Task The_MTU_of_the_devices_follows_the_MTU_of_the_link()
    {
        await _lab.ApplyAsync(OverlayLab.OneVpn(udp: true));
        Assert.Contains("mtu 1468", _lab.Node.Exec("ip", "link", "show", "cn2-5"));
        _lab.Node.Ip("link set br0 mtu 1400");
        await _lab.DriftAsync("the MTU of br0 is now 1400");
        await _lab.ApplyAsync(_lab.Config, new OverlayChange());
        Assert.Contains("mtu 1368", _lab.Node.Exec("ip", "link", "show", "cn2-5"));
        await _lab.SettleAsync();
        Assert.False(_lab.Engine.Drift.TryRead(out var what), what);
    }

    [Fact]
    public async Task An_agent_that_starts_again_takes_over_what_the_earlier_agent_left()
    {
        _lab.Node.Ip("rule add fwmark 0xcb300009 pref 13100 table 100\ntuntap add cn2-x mode tun\ntuntap add other-5 mode tun");
        var untouched = State();
        await _lab.ApplyAsync(OverlayLab.TwoVpns());
        await _lab.RestartAsync();
        var left = _lab.Node.Exec("ip", "rule");
        Assert.Contains("0xcb300007", left);
        Assert.Equal(OverlayLab.Kernel, _lab.Node.Exec("ip", "link").Contains("cn2-5"));

        await _lab.ApplyAsync(OverlayLab.OneVpn(udp: true));
        _lab.Peer1("udp");
        Assert.Equal(FromPod1, await _lab.ReachAsync());
        Assert.DoesNotContain("0xcb300007", _lab.Node.Exec("ip", "rule"));
        Assert.Single(_lab.Node.Exec("ip", "rule").Split('\n'), line => line.Contains("0xcb300005"));

        await _lab.RestartAsync();
        await _lab.ApplyAsync(new OverlayConfig());
        await _lab.Node.RunAsync(() => OverlayEngine.FlushAsync("cn2"));
        Assert.Equal(untouched, State());
    }

    [Fact]
    public async Task Flush_removes_only_what_the_agent_has()
    {
        _lab.Node.Ip("rule add fwmark 0xcb300009 pref 13101 table 100\ntuntap add cn2-x mode tun\ntuntap add cn2b-5 mode tun\nlink add cn2-6 type bridge\ntuntap add cn2-8 mode tun");
        await _lab.ApplyAsync(OverlayLab.TwoVpns());
        await _lab.Node.RunAsync(() => OverlayEngine.FlushAsync("cn2"));
        var links = _lab.Node.Exec("ip", "link");
        Assert.All((string[])["cn2-5", "cn2-7", "cn2-8"], gone => Assert.DoesNotContain(gone + ":", links));
        Assert.All((string[])["cn2-x", "cn2b-5", "cn2-6"], stays => Assert.Contains(stays + ":", links));
        Assert.Single(_lab.Node.Exec("ip", "rule").Split('\n'), line => line.StartsWith("131", StringComparison.Ordinal));
        Assert.Empty(_lab.Node.Exec("sh", "-c", "ip route show table 0xcb300005 2>/dev/null; ip -6 route show table 0xcb300005 2>/dev/null; true"));
    }

    [Fact]
    public async Task While_no_agent_runs_the_kernels_tunnels_carry_on_and_no_packet_of_a_VPN_leaks_into_the_underlay()
    {
        await _lab.ApplyAsync(OverlayLab.OneVpn(udp: true));
        await _lab.Engine.DisposeAsync();
        if (OverlayLab.Kernel)
        {
            _lab.Peer1("udp");
            Assert.Equal(FromPod1, await _lab.ReachAsync());
            // The next agent may use its own tunnels.
            await using var other = _lab.Node.Run(() => new OverlayEngine("cn2", IPAddress.Parse(OverlayLab.NodeAddress), OverlayChoice.Userspace, NullLogger<OverlayEngine>.Instance));
            await _lab.Node.RunAsync(() => other.ApplyAsync(_lab.Config, null, TestContext.Current.CancellationToken));
            Assert.Equal(FromPod1, await _lab.ReachAsync());
            Assert.Equal("userspace", other.Name);
            Assert.NotEqual(0, other.Counters.RoutingInstances[OverlayLab.Vpn1].PacketsIn);
            return;
        }

        _lab.Node.Ip("route add default via 172.16.0.3");
        _lab.Router2.ExecWith("table ip count { chain arriving { type filter hook prerouting priority -300; ip daddr 203.0.113.1 counter; }; }", "nft", "-f", "-");
        using var pod = _lab.PodHost1.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        pod.SetRawSocketOption(0, 11, BitConverter.GetBytes(1)); // IP_RECVERR
        pod.Connect(IPAddress.Parse(OverlayLab.Client), 7);
        pod.Send("!"u8);
        Assert.Equal(SocketError.NetworkUnreachable, (SocketError)(int)pod.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!); // by ICMP
        Assert.Contains("packets 0 ", _lab.Router2.Exec("nft", "list", "table", "ip", "count"));
    }

    [Fact]
    public async Task A_node_without_RoutingInstances_has_no_device_rule_or_route_of_the_agent()
    {
        var before = State();
        await _lab.ApplyAsync(new OverlayConfig());
        Assert.Equal(before, State());
        using var port = _lab.Node.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        port.Bind(new IPEndPoint(IPAddress.Parse(OverlayLab.NodeAddress), 6635));
        // The agent reports when it cannot have the port.
        var refused = await Assert.ThrowsAsync<DataplaneException>(() => _lab.ApplyAsync(OverlayLab.OneVpn(udp: true)));
        Assert.StartsWith("UDP port 6635 of this node", refused.Message, StringComparison.Ordinal);
        port.Dispose();
        await _lab.ApplyAsync(OverlayLab.OneVpn(udp: true), new OverlayChange());
        _lab.Peer1("udp");
        Assert.Equal(FromPod1, await _lab.ReachAsync());
    }

    [Fact]
    public void The_notice_says_that_packets_stop_with_the_agent()
    {
        if (OverlayLab.Kernel)
        {
            Assert.Equal(("kernel", null), (_lab.Engine.Name, _lab.Engine.Notice));
            return;
        }

        Assert.Equal("userspace", _lab.Engine.Name);
        Assert.EndsWith("they stop while the agent is stopped.", _lab.Engine.Notice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ten_thousand_routes_are_added_and_removed()
    {
        var config = OverlayLab.OneVpn(udp: true);
        await _lab.ApplyAsync(config);
        var change = new OverlayChange();
        var paths = config.Routes.Values.First();
        for (var i = 0; i < 5000; i++)
        {
            change.Routes.Add(OverlayLab.Route(OverlayLab.Vpn1, $"198.18.{i / 250}.{i % 250}/32"));
            change.Routes.Add(OverlayLab.Route(OverlayLab.Vpn1, $"2001:db8:{i:x}::/48"));
        }

        foreach (var key in change.Routes) config.Routes[key] = paths;
        await _lab.ApplyAsync(config, change);
        Assert.Equal((5001, 5001), Routes());
        await _lab.ApplyAsync(config);
        Assert.Equal((5001, 5001), Routes());
        await _lab.ApplyAsync(OverlayLab.OneVpn(udp: true), change);
        Assert.Equal((1, 1), Routes());
        await _lab.SettleAsync();
        Assert.False(_lab.Engine.Drift.TryRead(out var what), what);

        (int, int) Routes() => (Lines("ip -4 route show table 0xcb300005"), Lines("ip -6 route show table 0xcb300005"));

        int Lines(string command) => _lab.Node.Exec(command.Split(' ')).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
    }

    [Fact]
    public async Task A_device_name_in_use_is_refused_until_it_is_free()
    {
        _lab.Node.Ip("link add cn2-7 type bridge");
        await _lab.ApplyAsync(OverlayLab.OneVpn(udp: true));
        _lab.Peer1("udp");
        var two = OverlayLab.TwoVpns();
        var refused = Assert.Single(await _lab.ApplyAsync(two, new OverlayChange { RoutingInstances = { OverlayLab.Vpn2 } }));
        Assert.Equal(new VirtualRouterItem.RoutingInstance(OverlayLab.Vpn2), refused.Item);
        Assert.StartsWith("device cn2-7", refused.Reason, StringComparison.Ordinal);
        Assert.Equal(FromPod1, await _lab.ReachAsync());
        Assert.Equal(refused, Assert.Single(await _lab.ApplyAsync(two, new OverlayChange())));
        _lab.Node.Ip("link del cn2-7");
        Assert.Empty(await _lab.ApplyAsync(two, new OverlayChange { RoutingInstances = { OverlayLab.Vpn2 } }));
        _lab.Peer2("gre");
        Assert.Equal(new Answer("pod2", OverlayLab.Client), await EchoClient.OnceAsync(_lab.Router2, ProtocolType.Tcp, OverlayLab.Pod2, 80));
    }

    [Fact]
    public async Task A_route_that_the_kernel_refuses_stops_no_other_and_is_taken_when_the_kernel_takes_it()
    {
        // With what the tunnels need of it, less is left than the 1280 octets that IPv6 asks for: the kernel has no IPv6 on the device.
        _lab.Node.Ip("link set br0 mtu 1200");
        var config = OverlayLab.OneVpn(udp: true);
        var refused = Assert.Single(await _lab.ApplyAsync(config));
        Assert.Equal(new VirtualRouterItem.VpnRoute(OverlayLab.Route(OverlayLab.Vpn1, "fd00:c::/64")), refused.Item);
        Assert.StartsWith("route fd00:c::/64 of table 0xcb300005: ", refused.Reason, StringComparison.Ordinal);
        _lab.Peer1("udp");
        Assert.Equal(FromPod1, await _lab.ReachAsync());

        var more = OverlayLab.Route(OverlayLab.Vpn1, "198.51.100.0/24");
        config.Routes[more] = config.Routes.Values.First();
        Assert.Equal(refused, Assert.Single(await _lab.ApplyAsync(config, new OverlayChange { Routes = { more } })));
        Assert.Contains("198.51.100.0/24", _lab.Node.Exec("ip", "route", "show", "table", "0xcb300005"), StringComparison.Ordinal);

        _lab.Node.Ip("link set br0 mtu 1500");
        await _lab.UntilAsync(async () => (await _lab.ApplyAsync(config, new OverlayChange { Routes = { OverlayLab.Route(OverlayLab.Vpn1, "fd00:c::/64") } })).Count == 0);
        Assert.Contains("fd00:c::/64", _lab.Node.Exec("ip", "-6", "route", "show", "table", "0xcb300005"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("5=21 7=21", "RoutingInstance 7: another RoutingInstance has the label 21 too")]
    [InlineData("5=15", "RoutingInstance 5: label 15 is not one of 16 to 1048575")]
    [InlineData("0=16", "RoutingInstance 0: numbers go from 1 to 65535")]
    [InlineData("65536=16", "RoutingInstance 65536: numbers go from 1 to 65535")]
    public async Task An_invalid_RoutingInstance_is_refused_alone(string instances, string message)
    {
        var config = new OverlayConfig();
        foreach (var pair in instances.Split(' ')) config.RoutingInstances.Add(int.Parse(pair.Split('=')[0]), uint.Parse(pair.Split('=')[1]));
        Assert.Equal(message, Assert.Single(await _lab.ApplyAsync(config)).Reason);
    }

    [Fact]
    public async Task An_address_that_the_node_does_not_have_is_refused()
    {
        await using var engine = _lab.Node.Run(() => new OverlayEngine("cn2", IPAddress.Parse("192.0.2.99"), OverlayLab.Choice, NullLogger<OverlayEngine>.Instance));
        await Assert.ThrowsAsync<DataplaneException>(() => _lab.Node.RunAsync(() => engine.ApplyAsync(OverlayLab.OneVpn(udp: true), null, TestContext.Current.CancellationToken)));
    }

    [GeneratedRegex("@if[0-9]+")]
    private static partial Regex Peer();

    // A device that is made again has another index.
    private string State() => string.Join('\n', ((string[])["ip rule", "ip -6 rule", "ip route show table all", "ip -6 route show table all", "ip -o link"])
        .SelectMany(command => _lab.Node.Exec(command.Split(' ')).Split('\n'))
        .Select(line => line.Contains("mtu") ? Peer().Replace(line[(line.IndexOf(' ') + 1)..], "") : line)
        .Order());
}
