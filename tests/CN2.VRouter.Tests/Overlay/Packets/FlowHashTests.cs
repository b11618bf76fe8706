using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Tests.Overlay.Packets;

public sealed class FlowHashTests
{
    private const string Ports = "c0000050";

    [Theory]
    [InlineData("10.1.1.2", "203.0.113.1")]
    [InlineData("fd00:1::2", "fd00:c::1")]
    public void Addresses_protocol_and_ports_make_a_flow_and_nothing_else_does(string from, string to)
    {
        var flow = Hash(from, to, 6, Ports + "0000000100000000500000000000");
        Assert.Equal(flow, Hash(from, to, 6, Ports + "00000fff0000000050100000ffff aabbcc"));
        Assert.Equal(flow, FlowHash.Of(Bytes.Packet(from, to, 6, Ports, trafficClass: 0xb8, ttl: 3)));
        var others = new HashSet<ulong> { flow, Hash(to, from, 6, Ports), Hash(from, to, 17, Ports), Hash(from, to, 6, "c0000051"), Hash(from, to, 6, "c0010050"), Hash(from, from, 6, Ports) };
        Assert.Equal(6, others.Count);
    }

    [Fact]
    public void Every_fragment_of_an_IPv4_datagram_has_the_same_hash()
    {
        var first = FlowHash.Of(Bytes.Packet("10.1.1.2", "203.0.113.1", 17, Ports + "00000000", fragment: 0x2000));
        var next = FlowHash.Of(Bytes.Packet("10.1.1.2", "203.0.113.1", 17, "1122334455667788", fragment: 0x2001));
        var last = FlowHash.Of(Bytes.Packet("10.1.1.2", "203.0.113.1", 17, "99", fragment: 0x0002));
        Assert.Equal(first, next);
        Assert.Equal(first, last);
        // A packet with "don't fragment" is no fragment.
        Assert.Equal(Hash("10.1.1.2", "203.0.113.1", 17, Ports), FlowHash.Of(Bytes.Packet("10.1.1.2", "203.0.113.1", 17, Ports, fragment: 0x4000)));
    }

    [Fact]
    public void Every_fragment_of_an_IPv6_packet_has_the_same_hash()
    {
        var first = Hash("fd00:1::2", "fd00:c::1", 44, "1100000112345678" + Ports);
        var last = Hash("fd00:1::2", "fd00:c::1", 44, "1100000812345678 1122334455667788");
        var behindOptions = Hash("fd00:1::2", "fd00:c::1", 0, "2c00050200000100 1100000812345678 1122334455667788");
        Assert.Equal(first, last);
        Assert.Equal(first, behindOptions);
    }

    [Theory]
    [InlineData(0, "0600050200000100")] // hop-by-hop options
    [InlineData(60, "0601 0102 0000 0000 0000 0000 0000 0000")] // destination options of 16 octets
    [InlineData(43, "0600 0000 00000000")] // routing
    [InlineData(51, "0604 0000 00000001 00000002 000000000000000000000000")] // authentication header of 24 octets
    [InlineData(0, "3c00050200000100 0600050200000100")]
    public void Extension_headers_are_skipped(byte next, string headers) =>
        Assert.Equal(Hash("fd00:1::2", "fd00:c::1", 6, Ports), Hash("fd00:1::2", "fd00:c::1", next, headers + Ports));

    [Theory]
    [InlineData(0, "06ff")] // shorter than a header
    [InlineData(0, "06ff050200000100")] // longer than the packet
    [InlineData(0, "")]
    [InlineData(6, "c000")] // truncated ports
    public void A_header_with_a_wrong_length_does_no_harm(byte next, string payload) =>
        Assert.Equal(Hash("fd00:1::2", "fd00:c::1", next, payload), Hash("fd00:1::2", "fd00:c::1", next, payload));

    [Fact]
    public void An_endless_chain_of_headers_is_given_up() =>
        Assert.Equal(
            Hash("fd00:1::2", "fd00:c::1", 44, "1100000112345678"),
            Hash("fd00:1::2", "fd00:c::1", 0, string.Concat(Enumerable.Repeat("0000050200000100", 200)) + Ports));

    [Fact]
    public void Flows_that_differ_only_in_a_port_spread_over_the_source_ports()
    {
        var ports = Enumerable.Range(0, 1000).Select(p => MplsInUdp.EntropyPort(Hash("10.1.1.2", "203.0.113.1", 6, $"{p + 1024:x4}0050"))).Distinct();
        Assert.InRange(ports.Count(), 940, 1000); // 16384 ports: about 30 of 1000 collide by chance
    }

    private static ulong Hash(string from, string to, byte protocol, string payload) => FlowHash.Of(Bytes.Packet(from, to, protocol, payload));
}
