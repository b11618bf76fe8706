using System.Net.Sockets;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests;

/// <summary>
/// What every data plane does with a flow from a client in front of the node. The real data plane is tested with packets; the one in memory,
/// which other tests use, must give the same answers.
/// </summary>
public abstract class DataplaneContract
{
    protected const string FloatingIP = "100.0.0.4";

    private protected abstract Task ApplyAsync(DataplaneConfig desired, DataplaneChange? change = null);

    /// <summary>The answer to a new flow of the client; null: there is none.</summary>
    private protected abstract Task<Answer?> ReachAsync(ProtocolType protocol, string address, int port, string from = NodeLab.Client);

    [Fact]
    public async Task A_flow_to_a_FloatingIP_reaches_the_local_endpoint_and_keeps_the_client_address()
    {
        await ApplyAsync(Configs.Config(Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80")));
        Assert.Equal(new Answer("pod1", NodeLab.Client), await ReachAsync(ProtocolType.Tcp, FloatingIP, 8080));
    }

    [Fact]
    public async Task UDP_and_TCP_of_one_port_are_separate()
    {
        await ApplyAsync(Configs.Config(
            Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 53, "10.1.1.2:80"),
            Configs.NatEntry(FloatingIP, TransportProtocol.UDP, 53, "10.1.2.2:80")));
        Assert.Equal("pod1", (await ReachAsync(ProtocolType.Tcp, FloatingIP, 53))?.Endpoint);
        Assert.Equal("pod2", (await ReachAsync(ProtocolType.Udp, FloatingIP, 53))?.Endpoint);
    }

    [Fact]
    public async Task New_flows_spread_over_all_endpoints()
    {
        await ApplyAsync(Configs.Config(Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80", "10.1.2.2:80", "10.9.0.1:80@")));
        var seen = new HashSet<string?>();
        for (var i = 0; i < 60 && seen.Count < 3; i++) seen.Add((await ReachAsync(ProtocolType.Tcp, FloatingIP, 8080))?.Endpoint);
        Assert.Equal(["pod1", "pod2", "remote"], seen.Order());
    }

    [Fact]
    public async Task With_affinity_a_client_stays_with_one_endpoint()
    {
        var natEntry = Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80", "10.1.2.2:80") with { ClientIPAffinity = true };
        await ApplyAsync(Configs.Config(natEntry));
        var seen = new HashSet<string?>();
        for (var i = 0; i < 20; i++) seen.Add((await ReachAsync(ProtocolType.Tcp, FloatingIP, 8080))?.Endpoint);
        Assert.NotNull(Assert.Single(seen));
    }

    [Fact]
    public async Task Only_clients_in_the_source_ranges_are_accepted()
    {
        var natEntry = Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80") with
        {
            SourceRanges = Configs.Ranges("192.0.2.2/31", "192.0.2.2/32", "198.51.100.0/24", "fd00::/8"),
        };
        await ApplyAsync(Configs.Config(natEntry));
        Assert.NotNull(await ReachAsync(ProtocolType.Tcp, FloatingIP, 8080));
        await ApplyAsync(Configs.Config(natEntry with { SourceRanges = Configs.Ranges("192.0.2.2/32") }));
        Assert.NotNull(await ReachAsync(ProtocolType.Tcp, FloatingIP, 8080));
        Assert.Null(await ReachAsync(ProtocolType.Tcp, FloatingIP, 8080, NodeLab.OtherClient));
        await ApplyAsync(Configs.Config(natEntry with { SourceRanges = Configs.Ranges("fd00::/8") }));
        Assert.Null(await ReachAsync(ProtocolType.Tcp, FloatingIP, 8080));
        await ApplyAsync(Configs.Config(natEntry with { SourceRanges = Configs.Ranges("0.0.0.0/0", "192.0.2.9/32") }));
        Assert.NotNull(await ReachAsync(ProtocolType.Tcp, FloatingIP, 8080));
    }

    [Fact]
    public async Task A_port_that_is_not_mapped_answers_nothing()
    {
        await ApplyAsync(Configs.Config(Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80")));
        Assert.Null(await ReachAsync(ProtocolType.Tcp, FloatingIP, 8081));
        Assert.Null(await ReachAsync(ProtocolType.Udp, FloatingIP, 8080));
    }

    [Fact]
    public async Task A_node_port_answers_on_the_addresses_of_the_node_only()
    {
        await ApplyAsync(Configs.Config(Configs.NodePort(TransportProtocol.TCP, 30080, "10.1.1.2:80")).With(FloatingIP));
        Assert.Equal("pod1", (await ReachAsync(ProtocolType.Tcp, NodeLab.ClientSide, 30080))?.Endpoint);
        Assert.Equal("pod1", (await ReachAsync(ProtocolType.Tcp, NodeLab.NodeAddress, 30080))?.Endpoint);
        Assert.Null(await ReachAsync(ProtocolType.Tcp, FloatingIP, 30080));
        Assert.Null(await ReachAsync(ProtocolType.Tcp, NodeLab.Pod1, 30080));
    }

    [Fact]
    public async Task An_endpoint_on_another_node_sees_the_address_of_this_node()
    {
        await ApplyAsync(Configs.Config(
            Configs.NatEntry(FloatingIP, TransportProtocol.UDP, 8080, "10.9.0.1:80@"),
            Configs.NodePort(TransportProtocol.TCP, 30080, "10.9.0.1:80@")));
        Assert.Equal(new Answer("remote", NodeLab.NodeAddress), await ReachAsync(ProtocolType.Udp, FloatingIP, 8080));
        Assert.Equal(new Answer("remote", NodeLab.NodeAddress), await ReachAsync(ProtocolType.Tcp, NodeLab.ClientSide, 30080));
    }

    [Fact]
    public async Task One_to_one_serves_every_port()
    {
        await ApplyAsync(Configs.Config(Configs.OneToOne(FloatingIP, "10.1.2.2:0")));
        Assert.Equal(new Answer("pod2", NodeLab.Client), await ReachAsync(ProtocolType.Tcp, FloatingIP, 80));
        Assert.Equal(new Answer("pod2", NodeLab.Client), await ReachAsync(ProtocolType.Udp, FloatingIP, 81));
    }

    [Fact]
    public async Task IPv6_is_served_like_IPv4()
    {
        await ApplyAsync(Configs.Config(
            Configs.NatEntry("2001:db8::4", TransportProtocol.TCP, 8080, "[fd00:1:1::2]:80"),
            Configs.NatEntry("2001:db8::5", TransportProtocol.UDP, 8080, "[fd00:9::1]:80@"),
            Configs.OneToOne("2001:db8::6", "[fd00:1:1::2]:0")));
        Assert.Equal(new Answer("pod1", NodeLab.Client6), await ReachAsync(ProtocolType.Tcp, "2001:db8::4", 8080, NodeLab.Client6));
        Assert.Equal(new Answer("remote", NodeLab.NodeAddress6), await ReachAsync(ProtocolType.Udp, "2001:db8::5", 8080, NodeLab.Client6));
        Assert.Equal(new Answer("pod1", NodeLab.Client6), await ReachAsync(ProtocolType.Tcp, "2001:db8::6", 81, NodeLab.Client6));
        Assert.Null(await ReachAsync(ProtocolType.Tcp, "2001:db8::4", 8081, NodeLab.Client6));
    }

    [Fact]
    public async Task A_change_touches_only_what_it_names()
    {
        var config = Configs.Config(
            Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80"),
            Configs.NatEntry("100.0.0.5", TransportProtocol.TCP, 8080, "10.1.1.2:80"));
        await ApplyAsync(config);
        var moved = Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.2.2:80", "10.9.0.1:80@") with { ClientIPAffinity = true };
        config.NatEntries[moved.Key] = moved;
        var change = new DataplaneChange();
        change.NatEntries.Add(moved.Key);
        await ApplyAsync(config, change);
        Assert.NotEqual("pod1", (await ReachAsync(ProtocolType.Tcp, FloatingIP, 8080))!.Endpoint);
        Assert.Equal("pod1", (await ReachAsync(ProtocolType.Tcp, "100.0.0.5", 8080))?.Endpoint);

        config.NatEntries.Remove(moved.Key);
        await ApplyAsync(config, change);
        Assert.Null(await ReachAsync(ProtocolType.Tcp, FloatingIP, 8080));
        Assert.Equal("pod1", (await ReachAsync(ProtocolType.Tcp, "100.0.0.5", 8080))?.Endpoint);
    }

    [Fact]
    public async Task An_entry_that_the_next_configuration_does_not_name_is_removed()
    {
        await ApplyAsync(Configs.Config(Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80")));
        await ApplyAsync(Configs.Config(Configs.NatEntry("100.0.0.5", TransportProtocol.TCP, 8080, "10.1.1.2:80")));
        Assert.Null(await ReachAsync(ProtocolType.Tcp, FloatingIP, 8080));
        Assert.NotNull(await ReachAsync(ProtocolType.Tcp, "100.0.0.5", 8080));
    }

    [Fact]
    public async Task An_endpoint_that_drains_gets_no_new_flow()
    {
        var natEntry = Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, "10.1.1.2:80") with { Draining = Configs.Backends("10.1.2.2:80") };
        await ApplyAsync(Configs.Config(natEntry));
        for (var i = 0; i < 10; i++) Assert.Equal("pod1", (await ReachAsync(ProtocolType.Tcp, FloatingIP, 8080))?.Endpoint);
        await ApplyAsync(Configs.Config(natEntry with { Backends = [], Draining = Configs.Backends("10.1.1.2:80", "10.1.2.2:80") }));
        Assert.Null(await ReachAsync(ProtocolType.Tcp, FloatingIP, 8080));
    }
}
