using System.Net;
using CN2.Network.Overlay;
using CN2.VRouter.Overlay.Forwarding;
using CN2.VRouter.Overlay.Model;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Tests.Overlay.Forwarding;

public sealed class EncapsulationTests
{
    private static readonly ForwardingInstance Instance = Build();

    [Theory]
    [InlineData("10.1.1.2", "203.0.113.1", "udp", "172.16.0.2", "00069140")]
    [InlineData("fd00:1:1::2", "fd00:c::1", "udp", "172.16.0.2", "00069140")]
    [InlineData("10.1.1.2", "198.51.100.1", "gre", "172.16.0.3", "0006b140")]
    public void The_route_gives_label_next_hop_and_encapsulation(string from, string to, string encapsulation, string nextHop, string label)
    {
        var packet = Bytes.Packet(from, to, 6, "c0000050");
        var verdict = Encapsulate(packet, out var path, out var datagram, out var typeOfService);
        Assert.Equal(Verdict.Forward, verdict);
        Assert.Equal(encapsulation == "udp", path.Udp);
        Assert.Equal(AddressKey.Of(IPAddress.Parse(nextHop)).High >> 32, path.NextHop);
        Assert.Equal(0, typeOfService);
        var stack = datagram[(encapsulation == "udp" ? 8 : 4)..];
        Assert.Equal(label, Convert.ToHexString(stack.AsSpan(0, 4)).ToLowerInvariant());
        Assert.Equal(packet, stack[4..]);
        if (encapsulation == "gre")
        {
            Assert.Equal("00008847", Convert.ToHexString(datagram.AsSpan(0, 4)));
            return;
        }

        Assert.Equal(MplsInUdp.EntropyPort(FlowHash.Of(packet)), (datagram[0] << 8) | datagram[1]);
        Assert.Equal(datagram.Length, (datagram[4] << 8) | datagram[5]);
    }

    [Theory]
    [InlineData(0x00, 0x00, 0)]
    [InlineData(0xb8, 0xb8, 5)] // EF
    [InlineData(0xbb, 0xb8, 5)] // EF, congestion experienced
    [InlineData(0x28, 0x28, 1)] // AF11
    [InlineData(0x03, 0x00, 0)]
    public void The_DSCP_is_copied_outside_and_the_ECN_field_is_not(byte inner, byte outer, int trafficClass)
    {
        foreach (var packet in (byte[][])[Bytes.Packet("10.1.1.2", "203.0.113.1", trafficClass: inner), Bytes.Packet("fd00:1:1::2", "fd00:c::1", trafficClass: inner)])
        {
            Encapsulate(packet, out _, out var datagram, out var typeOfService);
            Assert.Equal(outer, typeOfService);
            Assert.Equal(trafficClass, (datagram[10] >> 1) & 7);
            Assert.Equal(packet, datagram[12..]);
        }
    }

    [Theory]
    [InlineData("10.1.1.2", "192.0.2.1", "NoRoute")]
    [InlineData("fd00:1:1::2", "2001:db8::1", "NoRoute")]
    [InlineData("0.0.0.0", "224.0.0.22", "Ignore")]
    [InlineData("::", "ff02::16", "Ignore")]
    public void A_packet_without_a_route_is_not_sent(string from, string to, string verdict) =>
        Assert.Equal(verdict, Encapsulate(Bytes.Packet(from, to), out _, out _, out _).ToString());

    [Fact]
    public void A_packet_too_long_for_an_outer_header_is_dropped()
    {
        var packet = Bytes.Packet("10.1.1.2", "203.0.113.1", payload: new string('0', 2 * (65535 - 20)));
        Assert.Equal(Verdict.Oversize, Encapsulate(packet, out _, out _, out _));
        Assert.Equal(Verdict.Forward, Encapsulate(Bytes.Packet("10.1.1.2", "203.0.113.1", payload: new string('0', 2 * (65535 - 20 - 32))), out _, out _, out _));
    }

    [Fact]
    public void A_packet_that_is_not_IP_is_dropped() => Assert.Equal(Verdict.Malformed, Encapsulate([1, 2, 3], out _, out _, out _));

    private static Verdict Encapsulate(byte[] packet, out ForwardingPath path, out byte[] datagram, out byte typeOfService)
    {
        byte[] buffer = [.. new byte[Encapsulation.HeadRoom], .. packet];
        var verdict = Encapsulation.Decide(Instance, buffer, out path, out var start, out typeOfService);
        datagram = buffer[start..];
        return verdict;
    }

    private static ForwardingInstance Build()
    {
        var state = new UserspaceInstance(5) { Label = 21 };
        state.Set(IPNetwork.Parse("203.0.113.0/24"), [new VpnPath(IPAddress.Parse("172.16.0.2"), 105, true, true)]);
        state.Set(IPNetwork.Parse("fd00:c::/64"), [new VpnPath(IPAddress.Parse("172.16.0.2"), 105, true, false)]);
        state.Set(IPNetwork.Parse("198.51.100.0/24"), [new VpnPath(IPAddress.Parse("172.16.0.3"), 107, false, true)]);
        return state.Publish();
    }
}
