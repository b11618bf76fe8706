using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Numerics;
using CN2.Network.Resources;
using CN2.Network.Sequencing;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Nft;
using CN2.VRouter.Tests.Lab;
using Microsoft.Extensions.Logging.Abstractions;

namespace CN2.VRouter.Tests.Nft;

/// <summary>The data plane in the kernel, tested with packets.</summary>
public sealed class NftDataplaneTests : DataplaneContract, IClassFixture<NodeLab>, IAsyncLifetime
{
    private readonly NodeLab _lab;
    private readonly NftDataplane _dataplane;

    public NftDataplaneTests(NodeLab lab)
    {
        _lab = lab;
        var options = new NftOptions("cn2", IPAddress.Parse(NodeLab.NodeAddress), IPAddress.Parse(NodeLab.NodeAddress6));
        _dataplane = lab.Node.Run(() => new NftDataplane(options, NullLogger<NftDataplane>.Instance));
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _dataplane.DisposeAsync();
        await _lab.Node.RunAsync(() => NftDataplane.FlushAsync("cn2"));
        _lab.Node.Exec("conntrack", "-F");
    }

    private protected override Task ApplyAsync(DataplaneConfig desired, DataplaneChange? change = null) =>
        _lab.Node.RunAsync(() => _dataplane.ApplyAsync(desired, change, TestContext.Current.CancellationToken));

    private protected override Task<Answer?> ReachAsync(ProtocolType protocol, string address, int port, string from = NodeLab.Client) =>
        EchoClient.OnceAsync(_lab.ClientHost, protocol, address, port, from);

    [Fact]
    public async Task Whatever_the_maps_hold_the_node_reaches_the_addresses_of_its_fence()
    {
        IPAddress[] servers = [];
        var fence = new NodeFence([], [], () => servers);
        await using var dataplane = _lab.Node.Run(() => new NftDataplane(new NftOptions("cn2", null, null), NullLogger<NftDataplane>.Instance, fence));
        Assert.NotNull(await EchoClient.OnceAsync(_lab.Node, ProtocolType.Tcp, NodeLab.Pod1, 80));
        // The server's address, as a FloatingIP that is guarded and has an entry for its port.
        var bad = Configs.Config(Configs.NatEntry(NodeLab.Pod1, TransportProtocol.TCP, 80, "192.0.2.99:80")).With(NodeLab.Pod1);
        await _lab.Node.RunAsync(() => dataplane.ApplyAsync(bad, null, TestContext.Current.CancellationToken));
        Assert.Null(await EchoClient.OnceAsync(_lab.Node, ProtocolType.Tcp, NodeLab.Pod1, 80));
        servers = [IPAddress.Parse(NodeLab.Pod1), IPAddress.Parse(NodeLab.Pod1v6)];
        Assert.True(await fence.RefreshAsync(TestContext.Current.CancellationToken));
        await _lab.Node.RunAsync(() => dataplane.ApplyAsync(bad, new DataplaneChange(), TestContext.Current.CancellationToken));
        Assert.NotNull(await EchoClient.OnceAsync(_lab.Node, ProtocolType.Tcp, NodeLab.Pod1, 80));
        Assert.NotNull(await EchoClient.OnceAsync(_lab.Node, ProtocolType.Udp, NodeLab.Pod1, 80));
        // Also after everything is replaced, and from elsewhere.
        await using var next = _lab.Node.Run(() => new NftDataplane(new NftOptions("cn2", null, null), NullLogger<NftDataplane>.Instance, fence));
        await _lab.Node.RunAsync(() => next.ApplyAsync(bad, null, TestContext.Current.CancellationToken));
        Assert.NotNull(await EchoClient.OnceAsync(_lab.Node, ProtocolType.Tcp, NodeLab.Pod1, 80));
        Assert.NotNull(await ReachAsync(ProtocolType.Tcp, NodeLab.Pod1, 80));
    }

    [Fact]
    public async Task A_FloatingIP_of_a_VPN_with_the_address_of_a_pod_cuts_nobody_off_in_the_underlay()
    {
        var entry = Configs.NatEntry(NodeLab.Pod1, TransportProtocol.TCP, 80, "10.1.1.3:80");
        await ApplyAsync(Configs.Config(entry with { Key = entry.Key with { RoutingInstance = 5 } }));
        Assert.NotNull(await ReachAsync(ProtocolType.Tcp, NodeLab.Pod1, 80));
        Assert.NotNull(await EchoClient.OnceAsync(_lab.Node, ProtocolType.Tcp, NodeLab.Pod1, 80));
    }

    [Fact]
    public async Task A_port_that_is_not_mapped_is_never_routed_back()
    {
        await ApplyAsync(Configs.Config(Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80")).With("2001:db8::4"));
        _lab.ClientHost.ExecWith("table inet count { chain arriving { type filter hook prerouting priority -300; ip daddr 100.0.0.4 counter; ip6 daddr 2001:db8::4 counter; }; }", "nft", "-f", "-");
        try
        {
            Assert.Null(await ReachAsync(ProtocolType.Tcp, FloatingIP, 8081));
            Assert.Null(await ReachAsync(ProtocolType.Udp, "2001:db8::4", 8081, NodeLab.Client6));
            Assert.Equal(2, _lab.ClientHost.Exec("nft", "list", "table", "inet", "count").Split("packets 0 ").Length - 1);
        }
        finally
        {
            _lab.ClientHost.Exec("nft", "delete", "table", "inet", "count");
        }
    }

    [Fact]
    public async Task The_node_itself_reaches_a_cluster_IP_and_its_own_node_port()
    {
        await ApplyAsync(Configs.Config(
            Configs.NatEntry("10.233.0.9", TransportProtocol.TCP, 80, "10.1.1.2:80"),
            Configs.NatEntry("10.233.0.10", TransportProtocol.UDP, 80, "10.9.0.1:80@"),
            Configs.NodePort(TransportProtocol.TCP, 30080, "10.1.2.2:80")));
        Assert.Equal("pod1", (await EchoClient.OnceAsync(_lab.Node, ProtocolType.Tcp, "10.233.0.9", 80))?.Endpoint);
        Assert.Equal(new Answer("remote", NodeLab.NodeAddress), await EchoClient.OnceAsync(_lab.Node, ProtocolType.Udp, "10.233.0.10", 80));
        Assert.Equal("pod2", (await EchoClient.OnceAsync(_lab.Node, ProtocolType.Tcp, NodeLab.NodeAddress, 30080))?.Endpoint);
        Assert.Null(await EchoClient.OnceAsync(_lab.Node, ProtocolType.Tcp, "10.233.0.9", 81));
    }

    [Theory]
    [InlineData(ProtocolType.Tcp)]
    [InlineData(ProtocolType.Udp)]
    public async Task A_pod_reaches_itself_through_its_own_FloatingIP(ProtocolType protocol)
    {
        await ApplyAsync(Configs.Config(
            Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80"),
            Configs.NatEntry(FloatingIP, TransportProtocol.UDP, 8080, "10.1.1.2:80"),
            Configs.NodePort(TransportProtocol.TCP, 30080, "10.1.1.2:80"),
            Configs.NodePort(TransportProtocol.UDP, 30080, "10.1.1.2:80")));
        Assert.Equal(new Answer("pod1", NodeLab.NodeAddress), await EchoClient.OnceAsync(_lab.PodHost1, protocol, FloatingIP, 8080));
        Assert.Equal(new Answer("pod1", NodeLab.NodeAddress), await EchoClient.OnceAsync(_lab.PodHost1, protocol, "10.1.1.1", 30080));
        Assert.Equal(new Answer("pod1", NodeLab.Pod2), await EchoClient.OnceAsync(_lab.PodHost2, protocol, FloatingIP, 8080));
    }

    [Fact]
    public async Task One_to_one_answers_ICMP_and_a_mapped_FloatingIP_does_not()
    {
        await ApplyAsync(Configs.Config(Configs.OneToOne(FloatingIP, "10.1.2.2:0"), Configs.NatEntry("100.0.0.5", TransportProtocol.TCP, 8080, "10.1.1.2:80")));
        Assert.Equal(IPStatus.Success, await PingAsync(FloatingIP));
        Assert.Equal(IPStatus.TimedOut, await PingAsync("100.0.0.5"));

        Task<IPStatus> PingAsync(string address) => _lab.ClientHost.RunAsync(async () =>
        {
            using var ping = new Ping();
            return (await ping.SendPingAsync(address, 500)).Status;
        });
    }

    [Fact]
    public async Task A_continuing_ping_follows_a_FloatingIP_and_ends_with_it()
    {
        await ApplyAsync(Configs.Config(Configs.OneToOne(FloatingIP, "10.1.1.2:0")));
        // One socket, one identifier: the kernel sees one flow.
        using var socket = _lab.ClientHost.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Icmp));
        await socket.ConnectAsync(IPAddress.Parse(FloatingIP), 0, TestContext.Current.CancellationToken);
        Assert.True(await EchoAsync());
        // On a busy machine the flow ends a moment after the change (NftDataplane.Flows.cs).
        await ApplyAsync(Configs.Config(Configs.OneToOne(FloatingIP, "10.1.2.2:0")));
        await Eventually.TrueAsync(async () => await EchoAsync() && _lab.Node.Exec("conntrack", "-L", "-p", "icmp").Contains("src=10.1.2.2", StringComparison.Ordinal));
        await ApplyAsync(Configs.Config().With(FloatingIP));
        await Eventually.TrueAsync(async () => !await EchoAsync());

        async Task<bool> EchoAsync()
        {
            using var timeout = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
            try
            {
                await socket.SendAsync(new byte[] { 8, 0, 0xf7, 0xfd, 0, 1, 0, 1 }, timeout.Token);
                return await socket.ReceiveAsync(new byte[100], timeout.Token) > 0;
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
    }

    // A kernel without SCTP sockets still translates SCTP: the test writes and reads the packets itself.
    [Fact]
    public async Task SCTP_is_translated_with_a_correct_checksum()
    {
        await ApplyAsync(Configs.Config(Configs.NatEntry(FloatingIP, TransportProtocol.SCTP, 3868, "10.1.1.2:3869")));
        using var sender = _lab.ClientHost.Run(() => RawSocket.Open(132));
        using var receiver = _lab.PodHost1.Run(() => RawSocket.Open(132));
        receiver.Bind(new IPEndPoint(IPAddress.Any, 0));
        sender.Bind(new IPEndPoint(IPAddress.Parse(NodeLab.Client), 0));
        await sender.SendToAsync(SctpInit(40000, 3868), new IPEndPoint(IPAddress.Parse(FloatingIP), 0), TestContext.Current.CancellationToken);
        var buffer = new byte[256];
        var length = await receiver.ReceiveAsync(buffer, TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);
        Assert.Equal(IPAddress.Parse(NodeLab.Client), new IPAddress(buffer.AsSpan(12, 4)));
        Assert.Equal(SctpInit(40000, 3869), buffer[20..length]);
    }

    [Fact]
    public async Task The_packet_mark_is_cleared_after_translation()
    {
        await ApplyAsync(Configs.Config(Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80", "10.1.2.2:80")));
        _lab.Node.ExecWith("table inet marks { chain f { type filter hook forward priority -200; meta mark != 0 counter; }; chain o { type filter hook postrouting priority 300; meta mark != 0 counter; }; }", "nft", "-f", "-");
        try
        {
            Assert.NotNull(await ReachAsync(ProtocolType.Tcp, FloatingIP, 8080));
            Assert.NotNull(await EchoClient.OnceAsync(_lab.PodHost1, ProtocolType.Tcp, FloatingIP, 8080));
            Assert.NotNull(await EchoClient.OnceAsync(_lab.Node, ProtocolType.Tcp, FloatingIP, 8080));
            Assert.Equal(2, _lab.Node.Exec("nft", "list", "table", "inet", "marks").Split("packets 0 ").Length - 1);
        }
        finally
        {
            _lab.Node.Exec("nft", "delete", "table", "inet", "marks");
        }
    }

    [Fact]
    public async Task Established_connections_keep_their_backend_when_members_change()
    {
        var natEntry = Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80", "10.1.2.2:80");
        await ApplyAsync(Configs.Config(natEntry));
        var clients = new List<EchoClient>();
        try
        {
            for (var i = 0; i < 12; i++) clients.Add((await EchoClient.OpenAsync(_lab.ClientHost, ProtocolType.Tcp, FloatingIP, 8080))!);
            await ApplyAsync(Configs.Config(natEntry with { Backends = Configs.Backends("10.1.1.2:80", "10.1.2.2:80", "10.9.0.1:80@") }));
            await ApplyAsync(Configs.Config(natEntry with { Backends = Configs.Backends("10.9.0.1:80@") }));
            await ApplyAsync(Configs.Config().With(FloatingIP));
            foreach (var client in clients) Assert.True(await client.EchoesAsync());
        }
        finally
        {
            clients.ForEach(c => c.Dispose());
        }
    }

    [Fact]
    public async Task UDP_flows_stay_while_an_endpoint_drains_and_end_when_it_is_removed()
    {
        var natEntry = Configs.NatEntry(FloatingIP, TransportProtocol.UDP, 8080, "10.1.1.2:80");
        await ApplyAsync(Configs.Config(natEntry));
        using var client = (await EchoClient.OpenAsync(_lab.ClientHost, ProtocolType.Udp, FloatingIP, 8080))!;
        await ApplyAsync(Configs.Config(natEntry with { Backends = Configs.Backends("10.1.2.2:80"), Draining = Configs.Backends("10.1.1.2:80") }));
        Assert.Equal("pod1", (await client.AskAsync())?.Endpoint);
        await ApplyAsync(Configs.Config(natEntry with { Backends = Configs.Backends("10.1.2.2:80") }));
        await client.GoesToAsync("pod2");
        await ApplyAsync(Configs.Config().With(FloatingIP));
        await client.GoesToAsync(null);
    }

    [Fact]
    public async Task UDP_flows_of_a_node_port_and_of_one_to_one_end_with_their_endpoint()
    {
        var nodePort = Configs.NodePort(TransportProtocol.UDP, 30053, "10.1.1.2:80");
        var oneToOne = Configs.OneToOne(FloatingIP, "10.1.1.2:0");
        await ApplyAsync(Configs.Config(nodePort, oneToOne));
        using var toNode = (await EchoClient.OpenAsync(_lab.ClientHost, ProtocolType.Udp, NodeLab.ClientSide, 30053))!;
        using var toFloatingIP = (await EchoClient.OpenAsync(_lab.ClientHost, ProtocolType.Udp, FloatingIP, 81))!;
        using var notOurs = (await EchoClient.OpenAsync(_lab.ClientHost, ProtocolType.Udp, NodeLab.Pod1, 80))!;
        await ApplyAsync(Configs.Config(nodePort with { Backends = Configs.Backends("10.1.2.2:80") }, oneToOne with { Backends = Configs.Backends("10.1.2.2:0") }));
        await toNode.GoesToAsync("pod2");
        await toFloatingIP.GoesToAsync("pod2");
        Assert.Equal("pod1", (await notOurs.AskAsync())?.Endpoint);
    }

    [Fact]
    public async Task A_flow_from_before_its_entry_existed_reaches_the_entry()
    {
        await ApplyAsync(Configs.Config());
        using var client = await EchoClient.OpenAsync(_lab.PodHost2, ProtocolType.Udp, FloatingIP, 8080);
        Assert.Null(client);
        using var socket = _lab.PodHost2.Run(() => new UdpClient(FloatingIP, 8080));
        var answer = socket.ReceiveAsync(TestContext.Current.CancellationToken).AsTask();
        await socket.SendAsync("?"u8.ToArray(), TestContext.Current.CancellationToken);
        await ApplyAsync(Configs.Config(Configs.NatEntry(FloatingIP, TransportProtocol.UDP, 8080, "10.1.1.2:80")));
        await Eventually.TrueAsync(async () =>
        {
            // The flow never times out: it is sent to all the time.
            await socket.SendAsync("?"u8.ToArray(), TestContext.Current.CancellationToken);
            return answer.IsCompleted;
        }, "the endpoint answers", seconds: 10);
        Assert.StartsWith("pod1", System.Text.Encoding.ASCII.GetString((await answer).Buffer), StringComparison.Ordinal);
    }

    /// <summary>The flows end a moment after the entry is in force, and packets come in between.</summary>
    [Fact]
    public async Task A_UDP_flow_from_before_its_entry_existed_is_not_refused_by_it()
    {
        await ApplyAsync(Configs.Config());
        using var socket = _lab.PodHost2.Run(() => new UdpClient(FloatingIP, 8080));
        var answer = socket.ReceiveAsync(TestContext.Current.CancellationToken).AsTask();
        await socket.SendAsync("?"u8.ToArray(), TestContext.Current.CancellationToken);
        var entry = Configs.NatEntry(FloatingIP, TransportProtocol.UDP, 8080, "10.1.1.2:80@") with { RefusesOthers = true };
        var applied = ApplyAsync(Configs.Config(entry));
        await Eventually.TrueAsync(async () =>
        {
            // Throws when the last one was refused.
            await socket.SendAsync("?"u8.ToArray(), TestContext.Current.CancellationToken);
            return answer.IsCompleted;
        }, "the endpoint answers", seconds: 10, everyMilliseconds: 1);
        await applied;
        Assert.StartsWith("pod1", System.Text.Encoding.ASCII.GetString((await answer).Buffer), StringComparison.Ordinal);
        await AssertRefusesAsync(ProtocolType.Udp, 8081);
    }

    /// <summary>The client sends its SYN again after a second. Many clients, one after the other: some do so before the flows end.</summary>
    [Fact]
    public async Task A_TCP_connection_from_before_its_entry_existed_is_not_refused_by_it()
    {
        await ApplyAsync(Configs.Config());
        var sockets = new List<Socket>();
        try
        {
            var connects = new List<Task>();
            for (var i = 0; i < 40; i++)
            {
                var socket = _lab.PodHost2.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
                sockets.Add(socket);
                connects.Add(socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(FloatingIP), 8080), TestContext.Current.CancellationToken).AsTask());
                await Task.Delay(25, TestContext.Current.CancellationToken);
            }

            Assert.DoesNotContain(connects, c => c.IsCompleted);
            await ApplyAsync(Configs.Config(Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80@") with { RefusesOthers = true }));
            await Task.WhenAll(connects).WaitAsync(Patience.Seconds(15), TestContext.Current.CancellationToken);
        }
        finally
        {
            sockets.ForEach(s => s.Dispose());
        }

        await AssertRefusesAsync(ProtocolType.Tcp, 8081);
    }

    [Fact]
    public async Task All_flows_of_a_freed_address_end()
    {
        await ApplyAsync(Configs.Config(Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80"), Configs.NatEntry("100.0.0.5", TransportProtocol.TCP, 8080, "10.1.1.2:80")));
        using var gone = (await EchoClient.OpenAsync(_lab.ClientHost, ProtocolType.Tcp, FloatingIP, 8080))!;
        using var stays = (await EchoClient.OpenAsync(_lab.ClientHost, ProtocolType.Tcp, "100.0.0.5", 8080))!;
        await ApplyAsync(Configs.Config(Configs.NatEntry("100.0.0.5", TransportProtocol.TCP, 8080, "10.1.1.2:80")));
        await EchoClient.EndedAsync(_lab.Node, "dst=100.0.0.4");
        Assert.True(await stays.EchoesAsync());
    }

    [Fact]
    public async Task An_agent_that_starts_again_ends_the_flows_of_addresses_freed_meanwhile()
    {
        await ApplyAsync(Configs.Config(Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80")));
        using var gone = (await EchoClient.OpenAsync(_lab.ClientHost, ProtocolType.Tcp, FloatingIP, 8080))!;
        var next = _lab.Node.Run(() => new NftDataplane(new NftOptions("cn2", IPAddress.Parse(NodeLab.NodeAddress), null), NullLogger<NftDataplane>.Instance));
        await using var _ = next;
        await _lab.Node.RunAsync(() => next.ApplyAsync(Configs.Config(), null, TestContext.Current.CancellationToken));
        await EchoClient.EndedAsync(_lab.Node, "dst=100.0.0.4");
    }

    [Theory]
    [InlineData("delete table ip cn2")]
    [InlineData("flush ruleset")]
    [InlineData("flush table ip cn2")]
    [InlineData("flush map ip cn2 frontends")]
    [InlineData("delete element ip cn2 backends { 100.0.0.4 . 6 . 8080 . 0xcb200000 }")]
    [InlineData("delete element ip cn2 floating_ips { 100.0.0.4 }")]
    [InlineData("flush chain ip cn2 guard")]
    [InlineData("delete table ip6 cn2")]
    [InlineData("add table ip cn2 { flags dormant; }")]
    [InlineData("insert rule ip cn2 translate ip daddr 100.0.0.4 drop")]
    public async Task A_manual_change_is_detected_and_repaired(string command)
    {
        var config = Configs.Config(Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80"));
        await ApplyAsync(config);
        using var established = (await EchoClient.OpenAsync(_lab.ClientHost, ProtocolType.Tcp, FloatingIP, 8080))!;
        var whole = _lab.Node.Exec("nft", "list", "ruleset");
        Assert.False(_dataplane.Drift.TryRead(out _));

        _lab.Node.ExecWith(command, "nft", "-f", "-");
        var cancellation = TestContext.Current.CancellationToken;
        await _dataplane.Drift.ReadAsync(cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(2), cancellation);
        await ApplyAsync(config, new DataplaneChange());
        Assert.Equal(whole, _lab.Node.Exec("nft", "list", "ruleset"));
        Assert.NotNull(await ReachAsync(ProtocolType.Tcp, FloatingIP, 8080));
        Assert.True(await established.EchoesAsync());
    }

    [Fact]
    public async Task Changes_of_other_tables_and_the_agents_own_changes_are_no_drift()
    {
        await ApplyAsync(Configs.Config());
        _lab.Node.ExecWith("table ip other { set s { type ipv4_addr; }; }", "nft", "-f", "-");
        await ApplyAsync(Configs.Config(Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80")));
        _lab.Node.ExecWith("delete table ip other", "nft", "-f", "-");
        // Notices come in order: when the one for the change below has arrived, no earlier one is still on its way.
        _lab.Node.ExecWith("add element ip cn2 remote { 10.9.9.9 }", "nft", "-f", "-");
        var cancellation = TestContext.Current.CancellationToken;
        var report = await _dataplane.Drift.ReadAsync(cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(2), cancellation);
        Assert.Contains("(nft)", report, StringComparison.Ordinal);
        Assert.False(_dataplane.Drift.TryRead(out _));
    }

    [Fact]
    public async Task What_the_kernel_refuses_is_left_out_alone_and_named_with_its_reason()
    {
        // An address of the other family cannot be a value of this family's map.
        var wrong = Configs.NatEntry("100.0.0.9", TransportProtocol.TCP, 8080, "[fd00::1]:80");
        var before = Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80");
        await ApplyAsync(Configs.Config(before));
        var others = Enumerable.Range(10, 50).Select(i => Configs.NatEntry($"100.0.0.{i}", TransportProtocol.TCP, 8080, "10.1.2.2:80")).ToArray();
        var desired = Configs.Config([before, wrong, .. others]);
        var refusal = Assert.Single(await RefusedAsync(desired));
        Assert.Equal(new VirtualRouterItem.NatEntry(wrong.Key), refusal.Item);
        Assert.StartsWith("nft refused: ", refusal.Reason, StringComparison.Ordinal);
        foreach (var address in (string[])[FloatingIP, "100.0.0.10", "100.0.0.59"]) Assert.NotNull(await ReachAsync(ProtocolType.Tcp, address, 8080));
        Assert.Null(await ReachAsync(ProtocolType.Tcp, "100.0.0.9", 8080));

        // A change elsewhere neither tries it again nor forgets it.
        var more = Configs.NatEntry("100.0.0.70", TransportProtocol.TCP, 8080, "10.1.2.2:80");
        desired.NatEntries.Add(more.Key, more);
        var change = new DataplaneChange { NatEntries = { more.Key } };
        Assert.Equal(refusal.Item, Assert.Single(await RefusedAsync(desired, change)).Item);
        Assert.NotNull(await ReachAsync(ProtocolType.Tcp, "100.0.0.70", 8080));

        // Corrected, it is in force.
        desired.NatEntries[wrong.Key] = Configs.NatEntry("100.0.0.9", TransportProtocol.TCP, 8080, "10.1.1.2:80");
        Assert.Empty(await RefusedAsync(desired, new DataplaneChange { NatEntries = { wrong.Key } }));
        Assert.NotNull(await ReachAsync(ProtocolType.Tcp, "100.0.0.9", 8080));
    }

    [Fact]
    public async Task An_agent_that_starts_with_a_refused_entry_carries_all_others()
    {
        var entries = Enumerable.Range(10, 40).Select(i => Configs.NatEntry($"100.0.0.{i}", TransportProtocol.TCP, 8080, i is 20 or 41 ? "[fd00::1]:80" : "10.1.1.2:80")).ToArray();
        var desired = Configs.Config(entries);
        Assert.Equal(["100.0.0.20 TCP/8080", "100.0.0.41 TCP/8080"], Names(await RefusedAsync(desired)));
        foreach (var address in (string[])["100.0.0.10", "100.0.0.21", "100.0.0.40", "100.0.0.49"]) Assert.NotNull(await ReachAsync(ProtocolType.Tcp, address, 8080));

        // After somebody has flushed the tables too.
        _lab.Node.ExecWith("delete table ip cn2", "nft", "-f", "-");
        await _dataplane.Drift.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
        Assert.Equal(["100.0.0.20 TCP/8080", "100.0.0.41 TCP/8080"], Names(await RefusedAsync(desired, new DataplaneChange())));
        Assert.NotNull(await ReachAsync(ProtocolType.Tcp, "100.0.0.49", 8080));
        foreach (var address in (string[])["100.0.0.20", "100.0.0.41"])
        {
            var entry = Configs.NatEntry(address, TransportProtocol.TCP, 8080, "10.1.1.2:80");
            desired.NatEntries[entry.Key] = entry;
        }

        Assert.Empty(await RefusedAsync(desired));
        Assert.NotNull(await ReachAsync(ProtocolType.Tcp, "100.0.0.41", 8080));
    }

    [Fact]
    public async Task What_is_inside_is_known_whatever_entry_is_refused()
    {
        var wrong = Configs.NatEntry("100.0.0.9", TransportProtocol.TCP, 8080, "[fd00::1]:80");
        var right = Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80");
        var desired = Configs.Config(wrong, right).Inside("172.16.0.1/32", "10.1.1.0/24");
        Assert.Single(await RefusedAsync(desired)); // a start
        Assert.Equal(["10.1.1.0", "172.16.0.1"], Inside());

        desired.Inside.Remove(IPNetwork.Parse("172.16.0.1/32"));
        desired.Inside("10.1.2.0/24");
        var change = new DataplaneChange { NatEntries = { wrong.Key }, Inside = { IPNetwork.Parse("172.16.0.1/32"), IPNetwork.Parse("10.1.2.0/24") } };
        Assert.Single(await RefusedAsync(desired, change)); // refused as before
        Assert.Equal(["10.1.1.0", "10.1.2.0"], Inside());

        var second = Configs.NatEntry("100.0.0.10", TransportProtocol.TCP, 8080, "[fd00::1]:80");
        desired.NatEntries.Add(second.Key, second);
        desired.Inside("10.1.3.0/24");
        change = new DataplaneChange { NatEntries = { second.Key }, Inside = { IPNetwork.Parse("10.1.3.0/24") } };
        Assert.Equal(2, (await RefusedAsync(desired, change)).Count);
        Assert.Equal(["10.1.1.0", "10.1.2.0", "10.1.3.0"], Inside());

        IEnumerable<string> Inside() => ((string[])["nodes", "endpoint_networks"])
            .SelectMany(s => _lab.Node.Exec("nft", "-n", "list", "set", "ip", "cn2", s).Split([' ', ',', '{', '}', '\n', '\t']))
            .Where(w => IPAddress.TryParse(w, out _)).Order(StringComparer.Ordinal);
    }

    [Fact]
    public async Task Where_the_kernel_takes_so_many_and_no_more_the_others_wait_until_there_is_room()
    {
        await using var small = _lab.Node.Run(() => new NftDataplane(new NftOptions("cn2small", IPAddress.Parse(NodeLab.NodeAddress), null) { LargestMap = 3 }, NullLogger<NftDataplane>.Instance));
        try
        {
            var entries = Enumerable.Range(11, 4).Select(i => Configs.NatEntry($"100.0.0.{i}", TransportProtocol.TCP, 8080, "10.1.1.2:80")).ToArray();
            var desired = Configs.Config(entries[..3]);
            Assert.Empty(await ApplyToAsync(small, desired));
            desired.NatEntries.Add(entries[3].Key, entries[3]);
            Assert.Equal(["100.0.0.14 TCP/8080"], Names(await ApplyToAsync(small, desired, new DataplaneChange { NatEntries = { entries[3].Key } })));
            Assert.Equal(["100.0.0.14 TCP/8080"], Names(await ApplyToAsync(small, desired))); // each alone would be accepted
            desired.NatEntries.Remove(entries[0].Key);
            Assert.Equal(["100.0.0.14 TCP/8080"], Names(await ApplyToAsync(small, desired, new DataplaneChange { NatEntries = { entries[0].Key } })));
            Assert.Empty(await ApplyToAsync(small, desired, new DataplaneChange { NatEntries = { entries[3].Key } }));
        }
        finally
        {
            await _lab.Node.RunAsync(() => NftDataplane.FlushAsync("cn2small"));
        }
    }

    private Task<IReadOnlyList<DataplaneRefusal>> RefusedAsync(DataplaneConfig desired, DataplaneChange? change = null) => ApplyToAsync(_dataplane, desired, change);

    private Task<IReadOnlyList<DataplaneRefusal>> ApplyToAsync(NftDataplane dataplane, DataplaneConfig desired, DataplaneChange? change = null) =>
        _lab.Node.RunAsync(() => dataplane.ApplyAsync(desired, change, TestContext.Current.CancellationToken));

    private static IEnumerable<string> Names(IEnumerable<DataplaneRefusal> refusals) =>
        refusals.Select(r => ((VirtualRouterItem.NatEntry)r.Item).Key.ToString()).Order();

    [Fact]
    public async Task Flush_removes_the_agents_tables_and_no_others()
    {
        await ApplyAsync(Configs.Config(Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80")));
        _lab.Node.ExecWith("table ip other { set s { type ipv4_addr; }; }", "nft", "-f", "-");
        await _lab.Node.RunAsync(() => NftDataplane.FlushAsync("cn2"));
        await _lab.Node.RunAsync(() => NftDataplane.FlushAsync("cn2"));
        Assert.Equal("table ip other", _lab.Node.Exec("nft", "list", "tables").Trim());
        _lab.Node.ExecWith("delete table ip other", "nft", "-f", "-");
    }

    /// <summary>An INIT (RFC 9260 §3.3.2) with its CRC32c.</summary>
    private static byte[] SctpInit(ushort from, ushort to)
    {
        var packet = new byte[32];
        BinaryPrimitives.WriteUInt16BigEndian(packet, from);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), to);
        packet[12] = 1;
        packet[15] = 20;
        packet[19] = 1;
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(20), 65535);
        packet[25] = packet[27] = 10;
        packet[31] = 1;
        BinaryPrimitives.WriteUInt32LittleEndian(packet.AsSpan(8), ~packet.Aggregate(uint.MaxValue, BitOperations.Crc32C));
        return packet;
    }

    /// <summary>A new flow to the port is refused, with RST or port unreachable.</summary>
    private async Task AssertRefusesAsync(ProtocolType protocol, int port)
    {
        var type = protocol == ProtocolType.Tcp ? SocketType.Stream : SocketType.Dgram;
        using var socket = _lab.PodHost2.Run(() => new Socket(AddressFamily.InterNetwork, type, protocol));
        using var timeout = new CancellationTokenSource(Patience.Seconds(5));
        var refusal = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(FloatingIP), port), timeout.Token);
            await socket.SendAsync("?"u8.ToArray(), timeout.Token);
            await socket.ReceiveAsync(new byte[1], timeout.Token);
        });
        Assert.Equal(SocketError.ConnectionRefused, refusal.SocketErrorCode);
    }
}
