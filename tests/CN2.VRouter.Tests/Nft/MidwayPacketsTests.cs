using System.Net;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Nft;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests.Nft;

/// <summary>
/// The VirtualMachineInterface of a VM on node A is given node B, and node A again, and the router brings packets to node B for a moment: connections that are open through node A
/// wait until the router is back (<see cref="NftMidway"/>).
/// </summary>
public sealed class MidwayPacketsTests
{
    private const string ClusterIP = "10.233.0.9";
    private const string ClusterIP6 = "fd00:233::9";

    /// <summary>What node B has after it was told that the VM is not there: an entry that is held until the route is gone says that it is.</summary>
    public static TheoryData<bool, string> Places => new(
        from v6 in new[] { false, true } from has in new[] { "a held entry", "a held entry one to one", "policy Cluster", "policy Cluster and another endpoint" } select (v6, has));

    [Theory]
    [MemberData(nameof(Places))]
    public async Task Connections_through_the_node_of_the_endpoint_go_on_when_their_segments_come_to_another_one_for_a_moment(bool v6, string has)
    {
        await using var lab = new TwoNodeLab();
        var oneToOne = has == "a held entry one to one";
        using var session = await GivenAndTakenBackAsync(lab, v6, has, TransportProtocol.TCP, () =>
            TcpSession.OpenAsync(lab.ClientHost, lab.VmHost, new IPEndPoint(IPAddress.Parse(FloatingIP(v6)), oneToOne ? 90 : 8080), 90));
        using var asked = new PacketCount(lab.VmHost, "input", $"{Source(lab, v6)} tcp dport 90");
        using var came = new PacketCount(lab.Router, "forward", $"oifname \"node2\" {(v6 ? $"ip6 saddr {TwoNodeLab.Client6}" : $"ip saddr {TwoNodeLab.Client}")}");
        lab.Route(lab.B);
        lab.RouteVm(lab.A);
        var speaks = session.ClientSpeaksAsync(30);
        await Eventually.TrueAsync(() => came.Packets > 1, "the client has sent its segment twice");
        lab.Route(lab.A);
        Assert.True(await speaks);
        Assert.True(await session.ServerSpeaksAsync());
        Assert.Equal(0, asked.Packets);
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task Nor_does_a_chunk_of_an_association_reach_the_endpoint_from_that_node(bool v6, string has)
    {
        if (has == "a held entry one to one") has = "a held entry"; // one to one has all protocols
        await using var lab = new TwoNodeLab();
        await GivenAndTakenBackAsync(lab, v6, has, TransportProtocol.SCTP, () => Task.FromResult(true));
        lab.Route(lab.B);
        lab.RouteVm(lab.A);
        using var midway = new PacketCount(lab.VmHost, "input", "sctp dport 90 @th,96,8 != 1");
        using var begun = new PacketCount(lab.VmHost, "input", $"{Source(lab, v6)} sctp dport 90 @th,96,8 1");
        var to = new IPEndPoint(IPAddress.Parse(FloatingIP(v6)), 0);
        using var raw = lab.ClientHost.Run(() => RawSocket.Open(132, to.AddressFamily));
        // From many ports: where there is another endpoint, it gets some of them. The second half comes later, on the same path.
        for (ushort port = 20100; port < 20116; port++) await raw.SendToAsync(RawPackets.SctpHeartbeat(port, 8080), to, Cancellation);
        for (ushort port = 20200; port < 20216; port++) await raw.SendToAsync(RawPackets.SctpInit(port, 8080), to, Cancellation);
        await Eventually.TrueAsync(() => begun.Packets > 0, "an INIT has arrived");
        Assert.Equal(0, midway.Packets);
    }

    /// <summary>A client sees no pause; the endpoint sees the address of the node by which the client came.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task New_connections_are_made_meanwhile(bool v6)
    {
        await using var lab = new TwoNodeLab();
        var open = () => TcpSession.OpenAsync(lab.ClientHost, lab.VmHost, new IPEndPoint(IPAddress.Parse(FloatingIP(v6)), 8080), 90);
        using var before = await GivenAndTakenBackAsync(lab, v6, "a held entry", TransportProtocol.TCP, open);
        lab.Route(lab.B);
        lab.RouteVm(lab.A);
        using var session = await open();
        Assert.Equal(IPAddress.Parse(v6 ? lab.B.Address6 : lab.B.Address), Peer(session));
        Assert.True(await session.ClientSpeaksAsync());
        Assert.True(await session.ServerSpeaksAsync());
    }

    /// <summary>Policy Cluster: node A has the route, and the endpoint is on node B.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Connections_to_another_node_that_the_table_of_flows_has_lost_go_on(bool v6)
    {
        await using var lab = new TwoNodeLab();
        await lab.MoveAsync(lab.A, lab.B);
        lab.RouteVm(lab.B);
        var entry = Configs.NatEntry(FloatingIP(v6), TransportProtocol.TCP, 8080, $"{Vm(v6)}:90@") with { RefusesOthers = true };
        await lab.A.ApplyAsync(entry);
        using var session = await TcpSession.OpenAsync(lab.ClientHost, lab.VmHost, new IPEndPoint(IPAddress.Parse(FloatingIP(v6)), 8080), 90);
        Assert.Equal(IPAddress.Parse(v6 ? lab.A.Address6 : lab.A.Address), Peer(session));
        lab.A.Home.Exec("conntrack", "-F");
        Assert.True(await session.ClientSpeaksAsync());
        Assert.True(await session.ServerSpeaksAsync());
    }

    /// <summary>A pod of node B that has a connection to the VM: only node B can have had it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Connections_of_callers_inside_go_on_when_the_endpoint_is_elsewhere_and_the_table_of_flows_has_lost_them(bool v6)
    {
        await using var lab = new TwoNodeLab();
        using var session = await GivenAndTakenBackAsync(lab, v6, "policy Cluster", TransportProtocol.TCP, () =>
            TcpSession.OpenAsync(lab.PodHost, lab.VmHost, new IPEndPoint(IPAddress.Parse(v6 ? ClusterIP6 : ClusterIP), 80), 90), openLast: true);
        lab.B.Home.Exec("conntrack", "-F");
        Assert.True(await session.ClientSpeaksAsync());
        Assert.True(await session.ServerSpeaksAsync());
    }

    public static TheoryData<string, string, bool, bool> Changes => new()
    {
        { "10.0.0.1:80 10.0.0.2:80", "10.0.0.1:80 10.0.0.2:80@", true, true },
        { "10.0.0.1:80 10.0.0.2:80@", "10.0.0.1:80 10.0.0.2:80", true, true },
        { "10.0.0.1:80", "10.0.0.1:80 10.0.0.2:80", true, true },
        { "10.0.0.1:80 10.0.0.2:80", "10.0.0.1:80 10.0.0.2:80@", false, false }, // no route before or after
        { "10.0.0.1:80 10.0.0.2:80 10.0.0.3:80", "10.0.0.1:80 10.0.0.2:80", true, false }, // removed, not moved
        { "10.0.0.1:80 10.0.0.2:80@", "10.0.0.1:80 10.0.0.2:80@ 10.0.0.3:80@", true, false },
        { "10.0.0.2:80", "10.0.0.2:80@", true, false }, // one endpoint: no other one can be meant
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void An_entry_settles_when_one_of_its_endpoints_comes_or_goes_to_another_node(string before, string after, bool routed, bool settles)
    {
        foreach (var protocol in (TransportProtocol[])[TransportProtocol.TCP, TransportProtocol.SCTP])
        {
            var (had, has) = (Entry(before) with { RefusesOthers = routed }, Entry(after));
            Assert.Equal(settles, NftMidway.Settles(had, has with { RefusesOthers = routed }));
            Assert.Equal(settles, NftMidway.Settles(had, has));

            DataplaneNatEntry Entry(string backends) => Configs.NatEntry("100.0.0.4", protocol, 8080, backends.Split(' '));
        }
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static string FloatingIP(bool v6) => v6 ? TwoNodeLab.FloatingIP6 : TwoNodeLab.FloatingIP;

    private static string Vm(bool v6) => v6 ? $"[{TwoNodeLab.Vm6}]" : TwoNodeLab.Vm;

    /// <summary>Matches packets from node B.</summary>
    private static string Source(TwoNodeLab lab, bool v6) => v6 ? $"ip6 saddr {lab.B.Address6}" : $"ip saddr {lab.B.Address}";

    private static IPAddress Peer(TcpSession session)
    {
        var address = ((IPEndPoint)session.Server.RemoteEndPoint!).Address;
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }

    /// <summary>The entries of both nodes when the VirtualMachineInterface has node A again.</summary>
    /// <param name="has">Of <see cref="Places"/>.</param>
    /// <param name="open">Is called while node B is said to have the VM.</param>
    /// <param name="openLast">It is called at the end instead.</param>
    private static async Task<T> GivenAndTakenBackAsync<T>(TwoNodeLab lab, bool v6, string has, TransportProtocol protocol, Func<Task<T>> open, bool openLast = false)
    {
        var pod = v6 ? $"[{TwoNodeLab.Pod6}]:90" : $"{TwoNodeLab.Pod}:90";
        DataplaneNatEntry[] Entries(string here, bool held)
        {
            var ofService = Configs.NatEntry(v6 ? ClusterIP6 : ClusterIP, protocol, 80, $"{Vm(v6)}:90{here}");
            if (has == "a held entry one to one") return [ofService, Configs.OneToOne(FloatingIP(v6), $"{Vm(v6)}:0{(held ? "" : here)}")];
            string[] others = has == "policy Cluster and another endpoint" ? [pod] : [];
            var isHere = held || here.Length == 0;
            return [ofService, Configs.NatEntry(FloatingIP(v6), protocol, 8080, [$"{Vm(v6)}:90{(held ? "" : here)}", .. others]) with { RefusesOthers = isHere || others.Length > 0 }];
        }

        await lab.A.ApplyAsync(Configs.NatEntry(v6 ? ClusterIP6 : ClusterIP, protocol, 80, $"{Vm(v6)}:90"), has == "a held entry one to one"
            ? Configs.OneToOne(FloatingIP(v6), $"{Vm(v6)}:0")
            : Configs.NatEntry(FloatingIP(v6), protocol, 8080, $"{Vm(v6)}:90") with { RefusesOthers = true });
        await lab.B.ApplyAsync(Entries("", held: false));
        var opened = openLast ? default : await open();
        await lab.B.ApplyAsync(Entries("@", held: has.StartsWith("a held entry", StringComparison.Ordinal)));
        return opened ?? await open();
    }
}
