using System.Diagnostics;
using System.Net.Sockets;
using CN2.VRouter.Tests.Lab;
using CN2.VRouter.V1;

namespace CN2.VRouter.Tests.Overlay;

/// <summary>
/// The agent process, from the stream to the packets: a client behind a router's RoutingInstance, MPLS in UDP and in GRE, the agent, a pod,
/// and back by the route imported from the router.
/// </summary>
public sealed class AgentVpnTests(VpnLab lab) : IClassFixture<VpnLab>, IAsyncLifetime
{
    private readonly List<Process> _processes = [];
    private StubServer _server = null!;

    private NetworkNamespace Node => lab.Nodes.Node;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await StubServer.StartAsync(Node);

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            process.Dispose();
        }

        _processes.Clear();
        await _server.DisposeAsync();
        await Run("flush").WaitForExitAsync(CancellationToken.None);
        _processes[0].Dispose();
        Node.Exec("conntrack", "-F");
    }

    [Theory]
    [InlineData("udp")]
    [InlineData("gre")]
    public async Task A_client_in_a_VPN_reaches_the_endpoints_through_either_encapsulation(string encapsulation)
    {
        var (_, connection) = await StartAsync();
        lab.Site5.Speak(encapsulation);
        lab.Site6.Speak(encapsulation == "udp" ? "gre" : "udp");
        try
        {
            var items = Wire.Items(
                Wire.NatEntry("100.0.0.4", 8080, "10.1.1.2:80").In(5),
                Wire.NatEntry("2001:db8::4", 8080, "[fd00:1:1::2]:80").In(5),
                Wire.NatEntry("100.0.0.4", 8080, "10.1.2.2:80").In(6),
                Wire.NatEntry("100.0.0.5", 8080, "10.1.1.2:80"));
            AddVpns(items, five: encapsulation);
            connection.Send(7, items);
            Assert.Equal(new Applied { Revision = 7 }, await connection.AppliedAsync());
            Assert.Equal(new Answer("pod1", NodeLab.Client), await EchoClient.OnceAsync(lab.Site5.Client, ProtocolType.Tcp, "100.0.0.4", 8080, NodeLab.Client));
            Assert.Equal(new Answer("pod1", NodeLab.Client6), await EchoClient.OnceAsync(lab.Site5.Client, ProtocolType.Tcp, "2001:db8::4", 8080));
            Assert.Equal(new Answer("pod2", NodeLab.Client), await EchoClient.OnceAsync(lab.Site6.Client, ProtocolType.Tcp, "100.0.0.4", 8080, NodeLab.Client));
            Assert.Equal(new Answer("pod1", NodeLab.Client), await EchoClient.OnceAsync(lab.Nodes.ClientHost, ProtocolType.Tcp, "100.0.0.5", 8080, NodeLab.Client));
            Assert.Null(await EchoClient.OnceAsync(lab.Site5.Client, ProtocolType.Tcp, "100.0.0.4", 8081));

            // The routers counted the same packets as the agent; replies used the encapsulation of the route.
            var beat = await CountedAsync(connection);
            foreach (var (site, by) in ((VpnSite, string)[])[(lab.Site5, encapsulation), (lab.Site6, encapsulation == "udp" ? "gre" : "udp")])
            {
                var counted = beat.Instances.Single(i => i.RoutingInstance == site.Number);
                Assert.Equal((ulong)site.Peer.Count("tx_" + by), counted.PacketsIn);
                Assert.Equal((ulong)site.Peer.Count("rx_" + by), counted.PacketsOut);
                Assert.Equal(0ul, counted.NoRoute);
            }

            Assert.Equal((0ul, 0ul, 0ul), (beat.UnknownLabel, beat.UnknownSource, beat.Malformed));
        }
        finally
        {
            lab.Site5.Speak("udp");
            lab.Site6.Speak("gre");
        }
    }

    [Fact]
    public async Task Connections_outlive_an_agent_that_is_killed_and_started_again()
    {
        var (agent, connection) = await StartAsync();
        await ServeAsync(connection, 7);
        using var established = (await EchoClient.OpenAsync(lab.Site5.Client, ProtocolType.Tcp, "100.0.0.4", 8080))!;
        agent.Kill();
        await agent.WaitForExitAsync(Cancellation);
        // With the agent's own tunnels nothing passes meanwhile, and no packet takes another path.
        Assert.Equal(OverlayLab.Kernel, await EchoClient.OnceAsync(lab.Site5.Client, ProtocolType.Tcp, "100.0.0.4", 8080) is not null);

        (_, connection) = await StartAsync();
        Assert.Equal(new Applied { Revision = 9 }, await ServeAsync(connection, 9));
        Assert.True(await established.EchoesAsync());
        Assert.Equal("pod1", (await EchoClient.OnceAsync(lab.Site5.Client, ProtocolType.Tcp, "100.0.0.4", 8080))?.Endpoint);
    }

    [Fact]
    public async Task A_network_that_moves_between_underlay_and_overlay_serves_in_both_during_the_move()
    {
        var (_, connection) = await StartAsync();
        var underlay = Wire.NatEntry("100.0.0.4", 8080, "10.1.1.2:80");
        connection.Send(1, Wire.Items(underlay));
        await connection.AppliedAsync();
        var both = Wire.Items(Wire.NatEntry("100.0.0.4", 8080, "10.1.1.2:80").In(5));
        AddVpns(both, five: "udp");
        connection.Send(new ServerMessage { Delta = new Delta { Revision = 2, Put = both } });
        await connection.AppliedAsync();
        using var before = (await EchoClient.OpenAsync(lab.Nodes.ClientHost, ProtocolType.Tcp, "100.0.0.4", 8080))!;
        using var after = (await EchoClient.OpenAsync(lab.Site5.Client, ProtocolType.Tcp, "100.0.0.4", 8080))!;
        connection.Send(new ServerMessage { Delta = new Delta { Revision = 3, RemovedNatEntries = { underlay.Key }, RemovedFloatingIps = { underlay.Key.Address } } });
        await connection.AppliedAsync();
        Assert.Null(await EchoClient.OnceAsync(lab.Nodes.ClientHost, ProtocolType.Tcp, "100.0.0.4", 8080));
        Assert.True(await after.EchoesAsync());
    }

    [Fact]
    public async Task Reverse_path_filtering_is_reported_when_the_node_has_tunnels()
    {
        Node.Sysctl("net/ipv4/conf/all/rp_filter", "1");
        try
        {
            var (_, connection) = await StartAsync();
            Assert.Empty((await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat)).Heartbeat.Message);
            connection.Send(7, One());
            AgentMessage beat;
            do beat = await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat);
            while (beat.Heartbeat.Overlay.Instances.Count == 0);
            Assert.Contains("net.ipv4.conf.all.rp_filter is 1", beat.Heartbeat.Message, StringComparison.Ordinal);
            Assert.Null(await EchoClient.OnceAsync(lab.Site5.Client, ProtocolType.Tcp, "100.0.0.4", 8080));
        }
        finally
        {
            Node.Sysctl("net/ipv4/conf/all/rp_filter", "0");
        }
    }

    [Fact]
    public async Task Flush_removes_devices_rules_and_tables()
    {
        var (agent, connection) = await StartAsync();
        connection.Send(7, One());
        await connection.AppliedAsync();
        Assert.Contains("cn2-5", Node.Exec("ip", "-o", "link"), StringComparison.Ordinal);
        agent.Kill();
        await agent.WaitForExitAsync(Cancellation);
        Assert.Contains("0xcb300005", Node.Exec("ip", "rule"), StringComparison.Ordinal);
        var flush = Run("flush");
        await flush.WaitForExitAsync(Cancellation);
        Assert.Equal(0, flush.ExitCode);
        Assert.Empty(Node.Exec("nft", "list", "ruleset"));
        Assert.DoesNotContain("0xcb3", Node.Exec("ip", "rule") + Node.Exec("ip", "-6", "rule"), StringComparison.Ordinal);
        Assert.DoesNotContain("cn2-", Node.Exec("ip", "-o", "link"), StringComparison.Ordinal);
    }

    private static async Task<V1.OverlayCounters> CountedAsync(StubServer.Connection connection)
    {
        // Two equal readings: no packet was on its way.
        V1.OverlayCounters before, now = new();
        do (before, now) = (now, (await connection.NextAsync(AgentMessage.BodyOneofCase.Heartbeat)).Heartbeat.Overlay);
        while (!now.Equals(before));
        return now;
    }

    private Items One()
    {
        var items = Wire.Items(Wire.NatEntry("100.0.0.4", 8080, "10.1.1.2:80").In(5));
        AddVpns(items, five: "udp");
        return items;
    }

    private void AddVpns(Items items, string five)
    {
        foreach (var site in (VpnSite[])[lab.Site5, lab.Site6])
        {
            items.RoutingInstances.Add(Wire.Instance((uint)site.Number));
            foreach (var prefix in (string[])["192.0.2.0/24", "fd00:c::/64"])
            {
                var route = Wire.Route((uint)site.Number, prefix, site.RouterAddress, site.RouterLabel);
                if (site.Number == 5 != (five == "udp")) (route.Paths[0].MplsOverUdp, route.Paths[0].MplsOverGre) = (false, true);
                items.VpnRoutes.Add(route);
            }
        }
    }

    private async Task<(Process Agent, StubServer.Connection Connection)> StartAsync()
    {
        var agent = Run($"--server {_server.Url} --name compute1 --address {NodeLab.NodeAddress} --address6 {NodeLab.NodeAddress6} --overlay {OverlayLab.Choice.ToString().ToLowerInvariant()}");
        var connection = await _server.NextAsync();
        // On a slow machine the agent may have given up on the server while it answered.
        while (Patience.IsLong && await EndsAsync(connection)) connection = await _server.NextAsync();
        Assert.Equal(OverlayLab.Kernel ? "kernel" : "userspace", connection.Hello.OverlayEngine);
        return (agent, connection);
    }

    /// <summary>Sends a snapshot and awaits its acknowledgement. On a slow machine the agent may dial anew meanwhile, and gets it again, as from a control node.</summary>
    private async Task<Applied> ServeAsync(StubServer.Connection connection, ulong revision)
    {
        while (true)
        {
            connection.Send(revision, One());
            var applied = connection.AppliedAsync();
            if (await Task.WhenAny(applied, Task.Delay(Timeout.Infinite, connection.Ended)) == applied || !Patience.IsLong) return await applied;
            connection = await _server.NextAsync();
        }
    }

    private static async Task<bool> EndsAsync(StubServer.Connection connection)
    {
        await Task.WhenAny(Task.Delay(TimeSpan.FromSeconds(3), connection.Ended));
        return connection.Ended.IsCancellationRequested;
    }

    private Process Run(string line)
    {
        var start = new ProcessStartInfo("ip", ["netns", "exec", Node.Name, Path.Combine(AppContext.BaseDirectory, "cn2-vrouter"), .. line.Split(' ')]) { WorkingDirectory = "/" };
        var process = Process.Start(start)!;
        _processes.Add(process);
        return process;
    }
}
