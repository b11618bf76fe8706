using System.Net;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests.Nft;

/// <summary>Segments that an endpoint sends in the middle of a connection of which the node has no flow (<see cref="VRouter.Nft.NftReplies"/>).</summary>
public sealed class StraySegmentsTests(NodeLab lab) : NftLabTest(lab), IClassFixture<NodeLab>
{
    private const int Target = 90;

    public static TheoryData<bool, bool> Kinds => new() { { false, false }, { true, false }, { false, true }, { true, true } };

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task The_client_is_asked_and_the_connection_goes_on(bool v6, bool oneToOne)
    {
        await ApplyAsync(Entry(v6, oneToOne));
        using var session = await OpenAsync(v6, oneToOne);
        using var leaked = Leaked(v6);
        Forget();
        Assert.True(await session.ServerSpeaksAsync());
        Assert.True(await session.ClientSpeaksAsync());
        Assert.Equal(0, leaked.Packets);
    }

    [Fact]
    public async Task Of_two_FloatingIPs_with_one_target_the_first_is_asked_and_the_other_when_it_is_gone()
    {
        var (first, second) = (Entry(false, false), Configs.NatEntry("100.0.0.9", TransportProtocol.TCP, 8080, $"{NodeLab.Pod1}:{Target}") with { RefusesOthers = true });
        await ApplyAsync(first, second);
        using var ofSecond = await TcpSession.OpenAsync(Lab.ClientHost, Lab.PodHost1, IPEndPoint.Parse("100.0.0.9:8080"), Target);
        using var leaked = Leaked(v6: false);
        Forget();
        Assert.False(await ofSecond.ServerSpeaksAsync(1));
        Assert.Equal(0, leaked.Packets);
        await ApplyAsync(second);
        Assert.Equal(1, await ofSecond.Client.ReceiveAsync(new byte[1], Cancellation).AsTask().WaitAsync(Patience.Seconds(10), Cancellation));
        Assert.Equal(0, leaked.Packets);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_client_outside_of_the_source_ranges_gets_nothing(bool v6, bool oneToOne)
    {
        var entry = Entry(v6, oneToOne);
        await ApplyAsync(entry);
        using var session = await OpenAsync(v6, oneToOne);
        using var heard = new PacketCount(Lab.ClientHost, "input", "meta l4proto tcp");
        await ApplyAsync(entry with { SourceRanges = Configs.Ranges(v6 ? "2001:db8:1::/64" : "203.0.113.0/24") });
        Assert.False(await session.ServerSpeaksAsync(1));
        Assert.Equal(0, heard.Packets);
        // Admitted again, it hears the retransmission.
        await ApplyAsync(entry with { SourceRanges = Configs.Ranges(v6 ? "fd00:c::/64" : "192.0.2.0/24") });
        Assert.Equal(1, await session.Client.ReceiveAsync(new byte[1], Cancellation).AsTask().WaitAsync(Patience.Seconds(10), Cancellation));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task When_the_FloatingIP_is_gone_nothing_leaves_with_the_address_of_the_endpoint(bool v6, bool oneToOne)
    {
        var other = v6 ? Configs.NatEntry("2001:db8::9", TransportProtocol.TCP, 8080, $"[{NodeLab.Pod1v6}]:80") : Configs.NatEntry("100.0.0.9", TransportProtocol.TCP, 8080, $"{NodeLab.Pod1}:80");
        foreach (var remaining in (DataplaneNatEntry[][])[[other], []])
        {
            await ApplyAsync([Entry(v6, oneToOne), .. remaining]);
            using var session = await OpenAsync(v6, oneToOne);
            using var heard = new PacketCount(Lab.ClientHost, "input", "meta l4proto tcp");
            await ApplyAsync(remaining);
            Assert.False(await session.ServerSpeaksAsync(1));
            // Somebody changes the tables, and the agent replaces them.
            Lab.Node.ExecWith("add element ip cn2 remote { 10.9.9.9 }", "nft", "-f", "-");
            await DriftAsync();
            await ApplyAsync(remaining);
            Assert.False(await session.ServerSpeaksAsync(1));
            var (from, to) = ((IPEndPoint)session.Server.LocalEndPoint!, (IPEndPoint)session.Server.RemoteEndPoint!);
            await RawPackets.SendOutOfWindowAsync(Lab.PodHost1, Unmapped(from), Unmapped(to));
            session.Server.Close(0); // a reset, which belongs to no flow either
            await Eventually.StaysAsync(() => heard.Packets == 0, "the client hears nothing", Patience.Seconds(0.3));
        }
    }

    [Fact]
    public async Task An_endpoint_begins_flows_from_the_port_that_serves_and_goes_on_with_its_own_connections()
    {
        await ApplyAsync(Entry(false, false), Configs.OneToOne("100.0.0.9", $"{NodeLab.Pod1}:0"));
        using var fromTarget = await TcpSession.OpenAsync(Lab.PodHost1, Lab.ClientHost, IPEndPoint.Parse($"{NodeLab.Client}:91"), 91, from: $"{NodeLab.Pod1}:{Target}");
        using var own = await TcpSession.OpenAsync(Lab.PodHost1, Lab.ClientHost, IPEndPoint.Parse($"{NodeLab.Client}:91"), 91);
        Assert.Equal(IPAddress.Parse(NodeLab.Pod1), Unmapped((IPEndPoint)fromTarget.Server.RemoteEndPoint!).Address);
        Forget();
        Assert.True(await own.ClientSpeaksAsync());
        Assert.True(await own.ServerSpeaksAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_chunk_of_SCTP_in_the_middle_of_an_association_does_not_leave_and_a_new_association_does(bool v6)
    {
        var (address, pod, client, match) = v6 ? (FloatingIP6, $"[{NodeLab.Pod1v6}]", NodeLab.Client6, $"ip6 saddr {NodeLab.Pod1v6}") : (FloatingIP, NodeLab.Pod1, NodeLab.Client, $"ip saddr {NodeLab.Pod1}");
        await ApplyAsync(Configs.NatEntry(address, TransportProtocol.SCTP, 3868, $"{pod}:{Target}") with { RefusesOthers = true });
        var to = new IPEndPoint(IPAddress.Parse(client), 0);
        using var raw = Lab.PodHost1.Run(() => RawSocket.Open(132, to.AddressFamily));
        using var left = new PacketCount(Lab.Node, "postrouting", $"{match} meta l4proto sctp");
        await raw.SendToAsync(RawPackets.SctpHeartbeat(Target, 40000), to, Cancellation);
        await raw.SendToAsync(RawPackets.SctpHeartbeat(Target + 1, 40001), to, Cancellation); // no target
        await raw.SendToAsync(RawPackets.SctpInit(Target, 40002), to, Cancellation);
        await Eventually.TrueAsync(() => left.Packets == 2, "what came later has left", seen: () => $"{left.Packets} packets");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Callers_elsewhere_are_not_asked(bool v6)
    {
        // The other node has translated a cluster IP already: for this node the caller speaks with the endpoint itself.
        var (pod, remote) = v6 ? ($"[{NodeLab.Pod1v6}]", $"[{NodeLab.RemotePod6}]") : (NodeLab.Pod1, NodeLab.RemotePod);
        await ApplyAsync(Entry(v6, false), v6 ? Configs.NatEntry("2001:db8::9", TransportProtocol.TCP, 8080, $"{remote}:80@") : Configs.NatEntry("100.0.0.9", TransportProtocol.TCP, 8080, $"{remote}:80@"));
        Lab.OtherNode.Ip(v6 ? $"route add {NodeLab.Pod1v6}/128 via {NodeLab.NodeAddress6} src {NodeLab.RemotePod6}" : $"route add {NodeLab.Pod1}/32 via {NodeLab.NodeAddress} src {NodeLab.RemotePod}");
        try
        {
            using var session = await TcpSession.OpenAsync(Lab.OtherNode, Lab.PodHost1, IPEndPoint.Parse($"{pod}:{Target}"), Target);
            Forget();
            Assert.True(await session.ServerSpeaksAsync());
        }
        finally
        {
            Lab.OtherNode.Ip(v6 ? $"route del {NodeLab.Pod1v6}/128" : $"route del {NodeLab.Pod1}/32");
        }
    }

    private static DataplaneNatEntry Entry(bool v6, bool oneToOne)
    {
        var (address, pod) = v6 ? (FloatingIP6, $"[{NodeLab.Pod1v6}]") : (FloatingIP, NodeLab.Pod1);
        return oneToOne ? Configs.OneToOne(address, $"{pod}:0") : Configs.NatEntry(address, TransportProtocol.TCP, 8080, $"{pod}:{Target}") with { RefusesOthers = true };
    }

    private Task<TcpSession> OpenAsync(bool v6, bool oneToOne) =>
        TcpSession.OpenAsync(Lab.ClientHost, Lab.PodHost1, new IPEndPoint(IPAddress.Parse(v6 ? FloatingIP6 : FloatingIP), oneToOne ? Target : 8080), Target);

    private PacketCount Leaked(bool v6) => new(Lab.ClientHost, "input", v6 ? $"ip6 saddr {NodeLab.Pod1v6}" : $"ip saddr {NodeLab.Pod1}");

    /// <summary>What the endpoint has open is then as if it had just moved here.</summary>
    private void Forget() => Lab.Node.Exec("conntrack", "-F");

    private static IPEndPoint Unmapped(IPEndPoint end) => end.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(end.Address.MapToIPv4(), end.Port) : end;
}
