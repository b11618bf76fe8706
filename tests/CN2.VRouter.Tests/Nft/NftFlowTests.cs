using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using CN2.Network.Addressing;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Nft;
using CN2.VRouter.Tests.Lab;
using Microsoft.Extensions.Logging.Abstractions;

namespace CN2.VRouter.Tests.Nft;

/// <summary>Flows from every place where a client can be, in both families, and what changes of members do to established flows.</summary>
public sealed class NftFlowTests : IClassFixture<NodeLab>, IAsyncLifetime
{
    private const string FloatingIP = "100.0.0.4";
    private const string FloatingIP6 = "2001:db8::4";

    private readonly NodeLab _lab;
    private readonly NftDataplane _dataplane;

    public NftFlowTests(NodeLab lab)
    {
        _lab = lab;
        var options = new NftOptions("cn2", IPAddress.Parse(NodeLab.NodeAddress), IPAddress.Parse(NodeLab.NodeAddress6));
        _dataplane = lab.Node.Run(() => new NftDataplane(options, NullLogger<NftDataplane>.Instance));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await _dataplane.DisposeAsync();
        await _lab.Node.RunAsync(() => NftDataplane.FlushAsync("cn2"));
        _lab.Node.Exec("conntrack", "-F");
    }

    [Theory]
    [InlineData(ProtocolType.Tcp)]
    [InlineData(ProtocolType.Udp)]
    public async Task An_IPv6_pod_reaches_itself_and_others_through_a_FloatingIP_and_a_node_port(ProtocolType protocol)
    {
        var transport = protocol == ProtocolType.Tcp ? TransportProtocol.TCP : TransportProtocol.UDP;
        await ApplyAsync(
            Configs.NatEntry(FloatingIP6, transport, 8080, "[fd00:1:1::2]:80"),
            NodePort6(transport, 30080, "[fd00:1:1::2]:80"),
            Configs.NatEntry("2001:db8::5", transport, 8080, "[fd00:9::1]:80@"));
        Assert.Equal(new Answer("pod1", NodeLab.NodeAddress6), await EchoClient.OnceAsync(_lab.PodHost1, protocol, FloatingIP6, 8080));
        Assert.Equal(new Answer("pod1", NodeLab.NodeAddress6), await EchoClient.OnceAsync(_lab.PodHost1, protocol, "fd00:1:1::1", 30080));
        Assert.Equal(new Answer("pod1", "fd00:1:2::2"), await EchoClient.OnceAsync(_lab.PodHost2, protocol, FloatingIP6, 8080));
        Assert.Equal(new Answer("remote", NodeLab.NodeAddress6), await EchoClient.OnceAsync(_lab.PodHost1, protocol, "2001:db8::5", 8080));
    }

    [Theory]
    [InlineData(ProtocolType.Tcp)]
    [InlineData(ProtocolType.Udp)]
    public async Task The_node_itself_reaches_IPv6_entries(ProtocolType protocol)
    {
        var transport = protocol == ProtocolType.Tcp ? TransportProtocol.TCP : TransportProtocol.UDP;
        await ApplyAsync(
            Configs.NatEntry(FloatingIP6, transport, 80, "[fd00:1:1::2]:80"),
            Configs.NatEntry("2001:db8::5", transport, 80, "[fd00:9::1]:80@"),
            NodePort6(transport, 30080, "[fd00:1:2::2]:80"));
        Assert.Equal("pod1", (await EchoClient.OnceAsync(_lab.Node, protocol, FloatingIP6, 80))?.Endpoint);
        Assert.Equal(new Answer("remote", NodeLab.NodeAddress6), await EchoClient.OnceAsync(_lab.Node, protocol, "2001:db8::5", 80));
        Assert.Equal("pod2", (await EchoClient.OnceAsync(_lab.Node, protocol, NodeLab.NodeAddress6, 30080))?.Endpoint);
        Assert.Null(await EchoClient.OnceAsync(_lab.Node, protocol, FloatingIP6, 81));
    }

    [Fact]
    public async Task A_pod_reaches_an_endpoint_on_another_node_and_the_reply_comes_back()
    {
        await ApplyAsync(
            Configs.NatEntry("10.233.0.9", TransportProtocol.TCP, 80, "10.9.0.1:80@"),
            Configs.NodePort(TransportProtocol.UDP, 30080, "10.9.0.1:80@"));
        Assert.Equal(new Answer("remote", NodeLab.NodeAddress), await EchoClient.OnceAsync(_lab.PodHost1, ProtocolType.Tcp, "10.233.0.9", 80));
        Assert.Equal(new Answer("remote", NodeLab.NodeAddress), await EchoClient.OnceAsync(_lab.PodHost1, ProtocolType.Udp, "10.1.1.1", 30080));
        Assert.Equal(new Answer("remote", NodeLab.NodeAddress), await EchoClient.OnceAsync(_lab.Node, ProtocolType.Udp, NodeLab.NodeAddress, 30080));
    }

    [Fact]
    public async Task Only_clients_in_the_IPv6_source_ranges_are_accepted()
    {
        var natEntry = Configs.NatEntry(FloatingIP6, TransportProtocol.UDP, 8080, "[fd00:1:1::2]:80");
        var nodePort = NodePort6(TransportProtocol.UDP, 30080, "[fd00:1:1::2]:80");
        var oneToOne = Configs.OneToOne("2001:db8::6", "[fd00:1:1::2]:0");
        foreach (var (ranges, reached) in ((string[], bool)[])[(["fd00:c::/64", "fd00:c::2/128"], true), (["fd00:c::3/128", "0.0.0.0/0"], false), (["::/0", "fd00:d::/64"], true)])
        {
            await ApplyAsync(
                natEntry with { SourceRanges = Configs.Ranges(ranges) },
                nodePort with { SourceRanges = Configs.Ranges(ranges) },
                oneToOne with { SourceRanges = Configs.Ranges(ranges) });
            Assert.Equal(reached, await ReachAsync(ProtocolType.Udp, FloatingIP6, 8080) is not null);
            Assert.Equal(reached, await ReachAsync(ProtocolType.Udp, "fd00:c::1", 30080) is not null);
            Assert.Equal(reached, await ReachAsync(ProtocolType.Tcp, "2001:db8::6", 80) is not null);
        }
    }

    [Fact]
    public async Task An_echo_to_a_FloatingIP_from_any_source_is_dropped_and_never_leaves_the_node()
    {
        await ApplyAsync(
            Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80"),
            Configs.NatEntry(FloatingIP6, TransportProtocol.TCP, 8080, "[fd00:1:1::2]:80"),
            Configs.OneToOne("2001:db8::6", "[fd00:1:1::2]:0"));
        _lab.Node.ExecWith("table inet leaving { chain l { type filter hook postrouting priority 300; ip daddr 100.0.0.4 counter; ip6 daddr 2001:db8::4 counter; }; }", "nft", "-f", "-");
        try
        {
            foreach (var home in (NetworkNamespace[])[_lab.ClientHost, _lab.PodHost2, _lab.Node])
            {
                Assert.NotEqual(IPStatus.Success, await PingAsync(home, FloatingIP));
                Assert.NotEqual(IPStatus.Success, await PingAsync(home, FloatingIP6));
                Assert.Equal(IPStatus.Success, await PingAsync(home, "2001:db8::6"));
            }

            Assert.Equal(2, _lab.Node.Exec("nft", "list", "table", "inet", "leaving").Split("packets 0 ").Length - 1);
        }
        finally
        {
            _lab.Node.Exec("nft", "delete", "table", "inet", "leaving");
        }
    }

    [Theory]
    [InlineData(ProtocolType.Tcp)]
    [InlineData(ProtocolType.Udp)]
    public async Task Flows_of_endpoints_that_stay_never_move(ProtocolType protocol)
    {
        var transport = protocol == ProtocolType.Tcp ? TransportProtocol.TCP : TransportProtocol.UDP;
        var natEntry = Configs.NatEntry(FloatingIP, transport, 8080, "10.1.1.2:80");
        await ApplyAsync(natEntry);
        var clients = new List<EchoClient>();
        try
        {
            // Endpoints: 1 -> 2 -> 3 -> 2 -> 1. Each step adds flows; every flow stays as long as its endpoint.
            foreach (var backends in (string[][])[["10.1.1.2:80"], ["10.1.1.2:80", "10.1.2.2:80"], ["10.1.1.2:80", "10.1.2.2:80", "10.9.0.1:80@"], ["10.1.1.2:80", "10.1.2.2:80"], ["10.1.1.2:80"]])
            {
                await ApplyAsync(natEntry with { Backends = Configs.Backends(backends) });
                foreach (var client in clients.ToList())
                {
                    var stays = protocol == ProtocolType.Tcp
                        || client.First!.Endpoint switch { "pod1" => true, "pod2" => backends.Length > 1, _ => backends.Length > 2 };
                    if (!stays) clients.Remove(client);
                    else if (protocol == ProtocolType.Tcp) Assert.True(await client.EchoesAsync());
                    else Assert.Equal(client.First, await client.AskAsync());
                    if (!stays) client.Dispose();
                }

                for (var i = 0; i < 8; i++) clients.Add((await EchoClient.OpenAsync(_lab.ClientHost, protocol, FloatingIP, 8080))!);
            }

            Assert.InRange(clients.Count, 16, 40);
        }
        finally
        {
            clients.ForEach(c => c.Dispose());
        }
    }

    [Fact]
    public async Task The_same_five_tuple_always_goes_to_the_same_backend()
    {
        var natEntry = Configs.NatEntry(FloatingIP, TransportProtocol.UDP, 8080, "10.1.1.2:80", "10.1.2.2:80");
        await ApplyAsync(natEntry);
        var first = await AskAsync();
        Assert.Equal(["pod1", "pod2"], first.Distinct().Order());
        _lab.Node.Exec("conntrack", "-F");
        Assert.Equal(first, await AskAsync());
        // As after a restart of the agent: the tables are made again.
        await _lab.Node.RunAsync(() => NftDataplane.FlushAsync("cn2"));
        await _dataplane.Drift.ReadAsync(Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(5), Cancellation);
        await ApplyAsync(natEntry);
        _lab.Node.Exec("conntrack", "-F");
        Assert.Equal(first, await AskAsync());

        async Task<List<string>> AskAsync()
        {
            var endpoints = new List<string>();
            for (var port = 41000; port < 41016; port++)
            {
                using var socket = _lab.ClientHost.Run(() => new UdpClient(port));
                await socket.SendAsync("?"u8.ToArray(), FloatingIP, 8080, Cancellation);
                var answer = await socket.ReceiveAsync(Cancellation).AsTask().WaitAsync(TimeSpan.FromSeconds(5), Cancellation);
                endpoints.Add(System.Text.Encoding.ASCII.GetString(answer.Buffer).Split(' ')[0]);
            }

            return endpoints;
        }
    }

    [Fact]
    public async Task With_affinity_only_the_source_address_decides()
    {
        await ApplyAsync(Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80", "10.1.2.2:80") with { ClientIPAffinity = true });
        var endpoints = new HashSet<string>();
        for (var client = 10; client < 30; client++)
        {
            _lab.ClientHost.Ip($"addr add 192.0.2.{client}/24 dev eth0");
            var seen = new HashSet<string?>();
            for (var i = 0; i < 3; i++) seen.Add((await ReachAsync(ProtocolType.Tcp, FloatingIP, 8080, $"192.0.2.{client}"))?.Endpoint);
            endpoints.Add(Assert.Single(seen)!);
            _lab.ClientHost.Ip($"addr del 192.0.2.{client}/24 dev eth0");
        }

        Assert.Equal(["pod1", "pod2"], endpoints.Order());
    }

    [Fact]
    public async Task Packet_too_big_from_a_router_reaches_the_endpoint()
    {
        await ApplyAsync(Configs.NatEntry(FloatingIP, TransportProtocol.UDP, 8080, "10.1.1.2:80"));
        using var client = (await EchoClient.OpenAsync(_lab.ClientHost, ProtocolType.Udp, FloatingIP, 8080, NodeLab.Client))!;
        using var raw = _lab.ClientHost.Run(() => RawSocket.Open(1));
        await raw.SendToAsync(FragmentationNeeded(1300, FloatingIP, 8080, NodeLab.Client, client.Port), new IPEndPoint(IPAddress.Parse(FloatingIP), 0), Cancellation);
        Assert.Equal("pod1", (await client.AskAsync())?.Endpoint); // sent later on the same path, so the message has arrived
        Assert.Contains("mtu 1300", _lab.PodHost1.Exec("ip", "route", "get", NodeLab.Client), StringComparison.Ordinal);
    }

    [Fact]
    public async Task UDP_flows_of_an_IPv6_endpoint_drain_and_end_with_it()
    {
        var natEntry = Configs.NatEntry(FloatingIP6, TransportProtocol.UDP, 8080, "[fd00:1:1::2]:80");
        await ApplyAsync(natEntry);
        using var client = (await EchoClient.OpenAsync(_lab.ClientHost, ProtocolType.Udp, FloatingIP6, 8080))!;
        await ApplyAsync(natEntry with { Backends = [], Draining = Configs.Backends("[fd00:1:1::2]:80") });
        Assert.Equal("pod1", (await client.AskAsync())?.Endpoint);
        Assert.Null(await ReachAsync(ProtocolType.Udp, FloatingIP6, 8080));
        await ApplyAsync(natEntry with { Backends = Configs.Backends("[fd00:1:2::2]:80") });
        await Eventually.TrueAsync(async () => (await client.AskAsync())?.Endpoint == "pod2", "the flow goes to the other endpoint");
    }

    private static DataplaneNatEntry NodePort6(TransportProtocol protocol, int port, params string[] backends) =>
        Configs.NodePort(protocol, port, backends) with { Key = new(IPFamily.IPv6, null, protocol, (ushort)port) };

    /// <summary>ICMP type 3 code 4 (RFC 1191) about a UDP packet from <paramref name="from"/>.</summary>
    private static byte[] FragmentationNeeded(ushort mtu, string from, int fromPort, string to, int toPort)
    {
        var packet = new byte[36];
        packet[0] = 3;
        packet[1] = 4;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(6), mtu);
        var about = packet.AsSpan(8);
        about[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(about[2..], 1400);
        about[6] = 0x40;
        about[8] = 60;
        about[9] = 17;
        IPAddress.Parse(from).TryWriteBytes(about[12..], out _);
        IPAddress.Parse(to).TryWriteBytes(about[16..], out _);
        BinaryPrimitives.WriteUInt16BigEndian(about[10..], Checksum(about[..20]));
        BinaryPrimitives.WriteUInt16BigEndian(about[20..], (ushort)fromPort);
        BinaryPrimitives.WriteUInt16BigEndian(about[22..], (ushort)toPort);
        BinaryPrimitives.WriteUInt16BigEndian(about[24..], 1380);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), Checksum(packet));
        return packet;
    }

    private static ushort Checksum(ReadOnlySpan<byte> words)
    {
        uint sum = 0;
        for (var i = 0; i < words.Length; i += 2) sum += BinaryPrimitives.ReadUInt16BigEndian(words[i..]);
        while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }

    private static Task<IPStatus> PingAsync(NetworkNamespace home, string address) => home.RunAsync(async () =>
    {
        using var ping = new Ping();
        try
        {
            return (await ping.SendPingAsync(address, 400)).Status;
        }
        catch (PingException)
        {
            return IPStatus.Unknown; // dropped on the way out: the sender gets an error
        }
    });

    private Task<IReadOnlyList<DataplaneRefusal>> ApplyAsync(params DataplaneNatEntry[] natEntries) =>
        _lab.Node.RunAsync(() => _dataplane.ApplyAsync(Configs.Config(natEntries), null, Cancellation));

    private Task<Answer?> ReachAsync(ProtocolType protocol, string address, int port, string? from = null) =>
        EchoClient.OnceAsync(_lab.ClientHost, protocol, address, port, from);
}
