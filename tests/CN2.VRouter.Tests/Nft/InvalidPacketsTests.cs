using System.Net;
using System.Net.Sockets;
using CN2.Network.Resources;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests.Nft;

/// <summary>Packets outside of their flow: those of endpoints do not pass, because they would have the endpoint's own address; others do.</summary>
public sealed class InvalidPacketsTests(NodeLab lab) : NftLabTest(lab), IClassFixture<NodeLab>
{
    public static TheoryData<string, string, string, string> Families => new()
    {
        { FloatingIP, NodeLab.Pod1, NodeLab.Client, "ip saddr" },
        { FloatingIP6, NodeLab.Pod1v6, NodeLab.Client6, "ip6 saddr" },
    };

    [Theory]
    [MemberData(nameof(Families))]
    public async Task A_segment_outside_of_the_window_does_not_leave_with_the_address_of_the_endpoint(string address, string pod, string client, string from)
    {
        var backend = pod.Contains(':', StringComparison.Ordinal) ? $"[{pod}]:80" : $"{pod}:80";
        var entry = Configs.NatEntry(address, TransportProtocol.TCP, 8080, backend);
        foreach (var served in (Dataplane.DataplaneNatEntry[])[entry, entry with { Backends = [], Draining = entry.Backends }, Configs.OneToOne(address, backend)])
        {
            await ApplyAsync(served with { Backends = served.Backends.Count > 0 ? served.Backends : entry.Backends, Draining = [] });
            using var connection = (await EchoClient.OpenAsync(Lab.ClientHost, ProtocolType.Tcp, address, served.Key.Protocol is null ? 80 : 8080, client))!;
            await ApplyAsync(served);
            using var leaked = new PacketCount(Lab.ClientHost, "input", $"{from} {pod}");
            await RawPackets.SendOutOfWindowAsync(Lab.PodHost1, IPEndPoint.Parse($"{Bracketed(pod)}:80"), IPEndPoint.Parse($"{Bracketed(client)}:{connection.Port}"));
            // It is sent later on the same path, so the segments have arrived, or were dropped.
            Assert.True(await connection.EchoesAsync());
            Assert.Equal(0, leaked.Packets);
        }
    }

    [Theory]
    [MemberData(nameof(Families))]
    public async Task Nor_does_one_reach_the_node_that_calls(string address, string pod, string client, string from)
    {
        await ApplyAsync(Configs.NatEntry(address, TransportProtocol.TCP, 8080, $"{Bracketed(pod)}:80"));
        var node = client == NodeLab.Client ? NodeLab.ClientSide : "fd00:c::1";
        using var connection = (await EchoClient.OpenAsync(Lab.Node, ProtocolType.Tcp, address, 8080, node))!;
        using var leaked = new PacketCount(Lab.Node, "input", $"ct state invalid {from} {pod}");
        await RawPackets.SendOutOfWindowAsync(Lab.PodHost1, IPEndPoint.Parse($"{Bracketed(pod)}:80"), IPEndPoint.Parse($"{Bracketed(node)}:{connection.Port}"));
        Assert.True(await connection.EchoesAsync());
        Assert.Equal(0, leaked.Packets);
    }

    [Fact]
    public async Task What_is_not_of_an_endpoint_passes()
    {
        await ApplyAsync(Configs.NatEntry(FloatingIP, TransportProtocol.TCP, 8080, $"{NodeLab.Pod1}:80"));
        using var direct = (await EchoClient.OpenAsync(Lab.ClientHost, ProtocolType.Tcp, NodeLab.Pod2, 80, NodeLab.Client))!;
        using var passed = new PacketCount(Lab.Node, "postrouting", $"ct state invalid ip saddr {NodeLab.Pod2}");
        using var back = new PacketCount(Lab.PodHost2, "input", $"ip saddr {NodeLab.Client} tcp flags & (psh|ack) == (psh|ack) tcp dport 80");
        await RawPackets.SendOutOfWindowAsync(Lab.PodHost2, IPEndPoint.Parse($"{NodeLab.Pod2}:80"), IPEndPoint.Parse($"{NodeLab.Client}:{direct.Port}"));
        Assert.True(await direct.EchoesAsync());
        Assert.NotEqual(0, passed.Packets);
        await RawPackets.SendOutOfWindowAsync(Lab.ClientHost, IPEndPoint.Parse($"{NodeLab.Client}:{direct.Port}"), IPEndPoint.Parse($"{NodeLab.Pod2}:80"));
        Assert.True(await direct.EchoesAsync());
        Assert.InRange(back.Packets, 16, long.MaxValue);
    }

    private static string Bracketed(string address) => address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address;
}
