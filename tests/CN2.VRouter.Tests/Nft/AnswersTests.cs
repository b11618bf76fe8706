using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests.Nft;

/// <summary>What a FloatingIP answers to packets that no entry translates: with a route through this node, refusals and echo replies; else nothing.</summary>
public sealed class AnswersTests(NodeLab lab) : NftLabTest(lab), IClassFixture<NodeLab>
{
    private static readonly DataplaneNatEntry Entry = Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80");
    private static readonly DataplaneNatEntry Entry6 = Configs.NatEntry(FloatingIP6, TransportProtocol.TCP, 8080, "[fd00:1:1::2]:80");

    [Theory]
    [InlineData(FloatingIP, ProtocolType.Tcp)]
    [InlineData(FloatingIP, ProtocolType.Udp)]
    [InlineData(FloatingIP6, ProtocolType.Tcp)]
    [InlineData(FloatingIP6, ProtocolType.Udp)]
    public async Task A_port_without_a_mapping_is_refused_while_there_is_a_route(string address, ProtocolType protocol)
    {
        using var back = new PacketCount(Lab.Node, "postrouting", address == FloatingIP ? $"ip daddr {address}" : $"ip6 daddr {address}");
        foreach (var refuses in (bool[])[true, false])
        {
            await ApplyAsync(Entry with { RefusesOthers = refuses }, Entry6 with { RefusesOthers = refuses });
            foreach (var home in (NetworkNamespace[])[Lab.ClientHost, Lab.PodHost2])
                Assert.Equal(refuses ? SocketError.ConnectionRefused : null, await PortProbe.ErrorAsync(home, protocol, address, 8081));
            // What the node itself sends is refused before it has left: a datagram is not even accepted.
            if (refuses) Assert.Equal(protocol == ProtocolType.Tcp ? SocketError.ConnectionRefused : SocketError.AccessDenied, await PortProbe.ErrorAsync(Lab.Node, protocol, address, 8081));
            Assert.NotNull(await EchoClient.OnceAsync(Lab.ClientHost, ProtocolType.Tcp, address, 8080));
        }

        Assert.Equal(0, back.Packets);
    }

    [Fact]
    public async Task Only_the_node_of_a_route_answers_whatever_it_knows_of_the_address()
    {
        await ApplyAsync(Configs.Config(
            Entry with { Backends = Configs.Backends("10.9.0.1:80@"), InsideOnly = true },
            Configs.NatEntry("10.233.0.9", TransportProtocol.TCP, 80, "10.1.1.2:80")).With("100.0.0.5"));
        foreach (var address in (string[])[FloatingIP, "10.233.0.9", "100.0.0.5"])
        {
            Assert.Null(await PortProbe.ErrorAsync(Lab.ClientHost, ProtocolType.Tcp, address, 8081));
            Assert.NotEqual(IPStatus.Success, await PingAsync(Lab.ClientHost, address));
        }
    }

    [Theory]
    [InlineData(FloatingIP)]
    [InlineData(FloatingIP6)]
    public async Task An_echo_request_is_answered_by_the_address_that_was_asked(string address)
    {
        foreach (var answers in (bool[])[true, false])
        {
            await ApplyAsync(Entry with { RefusesOthers = true, AnswersPing = answers }, Entry6 with { RefusesOthers = true, AnswersPing = answers });
            foreach (var home in (NetworkNamespace[])[Lab.ClientHost, Lab.PodHost2, Lab.PodHost1, Lab.Node]) Assert.Equal(answers, await PingAsync(home, address) == IPStatus.Success);
        }
    }

    [Fact]
    public async Task A_ping_that_goes_on_ends_with_the_route()
    {
        using var raw = Lab.ClientHost.Run(() => RawSocket.Open(1));
        using var answered = new PacketCount(Lab.ClientHost, "input", $"icmp type echo-reply ip saddr {FloatingIP}");
        foreach (var (answers, replies) in ((bool, int)[])[(true, 1), (false, 1), (true, 2)])
        {
            await ApplyAsync(Entry with { RefusesOthers = true, AnswersPing = answers });
            await raw.SendToAsync(RawPackets.Echo(7, 1), new IPEndPoint(IPAddress.Parse(FloatingIP), 0), Cancellation);
            Assert.NotNull(await EchoClient.OnceAsync(Lab.ClientHost, ProtocolType.Tcp, FloatingIP, 8080)); // sent later on the same path
            Assert.Equal(replies, answered.Packets);
        }
    }

    [Fact]
    public async Task Ping_of_an_address_that_is_attached_one_to_one_is_the_business_of_the_endpoint()
    {
        await ApplyAsync(Configs.OneToOne(FloatingIP, "10.1.1.2:0") with { RefusesOthers = true, AnswersPing = true });
        using var asked = new PacketCount(Lab.PodHost1, "input", "icmp type echo-request");
        Assert.Equal(IPStatus.Success, await PingAsync(Lab.ClientHost, FloatingIP));
        Assert.Equal(1, asked.Packets);
    }

    [Fact]
    public async Task A_client_s_segment_outside_of_its_window_is_not_refused()
    {
        await ApplyAsync(Entry with { RefusesOthers = true });
        using var connection = (await EchoClient.OpenAsync(Lab.ClientHost, ProtocolType.Tcp, FloatingIP, 8080, NodeLab.Client))!;
        using var resets = new PacketCount(Lab.ClientHost, "input", "tcp flags & rst == rst");
        await RawPackets.SendOutOfWindowAsync(Lab.ClientHost, IPEndPoint.Parse($"{NodeLab.Client}:{connection.Port}"), IPEndPoint.Parse($"{FloatingIP}:8080"));
        Assert.True(await connection.EchoesAsync());
        Assert.Equal(0, resets.Packets);
    }

    [Fact]
    public async Task A_flood_to_one_FloatingIP_is_answered_in_part_and_takes_nothing_from_the_others()
    {
        const int Flood = 3000;
        await ApplyAsync([.. ((string[])[FloatingIP, "100.0.0.5"]).Select(a => Configs.NatEntry(a, TransportProtocol.TCP, 8080, "10.1.1.2:80") with { RefusesOthers = true, AnswersPing = true })]);
        using var answered = new PacketCount(Lab.ClientHost, "input", $"icmp type echo-reply ip saddr {FloatingIP}");
        using var refused = new PacketCount(Lab.ClientHost, "input", $"tcp flags & rst == rst ip saddr {FloatingIP}");
        using var raw = Lab.ClientHost.Run(() => RawSocket.Open(1));
        for (var i = 0; i < Flood; i++) await raw.SendToAsync(RawPackets.Echo((ushort)i, 1), new IPEndPoint(IPAddress.Parse(FloatingIP), 0), Cancellation);
        await RawPackets.SendSynsAsync(Lab.ClientHost, IPAddress.Parse(NodeLab.Client), IPEndPoint.Parse($"{FloatingIP}:8081"), Flood);
        Assert.Equal(IPStatus.Success, await PingAsync(Lab.ClientHost, "100.0.0.5"));
        Assert.Equal(SocketError.ConnectionRefused, await PortProbe.ErrorAsync(Lab.ClientHost, ProtocolType.Tcp, "100.0.0.5", 8081));
        Assert.NotNull(await EchoClient.OnceAsync(Lab.ClientHost, ProtocolType.Tcp, FloatingIP, 8080));
        Assert.InRange(answered.Packets, 1, Flood / 2);
        Assert.InRange(refused.Packets, 1, Flood / 2);
        // Only what was answered is in the table of flows.
        Assert.InRange(int.Parse(Lab.Node.Exec("conntrack", "-C"), System.Globalization.CultureInfo.InvariantCulture), 1, Flood / 2);
    }

    private static Task<IPStatus> PingAsync(NetworkNamespace home, string address) => home.RunAsync(async () =>
    {
        using var ping = new Ping();
        try
        {
            var reply = await ping.SendPingAsync(address, 700);
            return reply.Status == IPStatus.Success && !reply.Address.Equals(IPAddress.Parse(address)) ? IPStatus.Unknown : reply.Status;
        }
        catch (PingException)
        {
            return IPStatus.Unknown; // dropped on the way out: the sender gets an error
        }
    });
}
