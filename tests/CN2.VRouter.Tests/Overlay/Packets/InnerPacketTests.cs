using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Tests.Overlay.Packets;

public sealed class InnerPacketTests
{
    private static readonly string V4 = Convert.ToHexString(Bytes.Packet("10.1.1.2", "203.0.113.1", payload: "0102030405060708"));
    private static readonly string V6 = Convert.ToHexString(Bytes.Packet("fd00:1::2", "fd00:c::1", payload: "0102030405060708"));

    public static TheoryData<string, string, bool> Packets => new()
    {
        { "IPv4", V4, true },
        { "IPv4 with options", "46" + V4[2..4] + "0020" + V4[8..40] + "94040000" + V4[40..], true },
        { "IPv4, a byte missing", V4[..^2], false },
        { "IPv4, a byte too many", V4 + "00", false },
        { "IPv4, header length 4 words", "44" + V4[2..], false },
        { "IPv4, header longer than the packet", "4f" + V4[2..], false },
        { "IPv4, total length shorter than the header", V4[..4] + "0010" + V4[8..], false },
        { "IPv4, header cut", V4[..38], false },
        { "IPv6", V6, true },
        { "IPv6 without payload", V6[..8] + "0000" + V6[12..80], true },
        { "IPv6, a byte missing", V6[..^2], false },
        { "IPv6, a byte too many", V6 + "00", false },
        { "IPv6, header cut", V6[..78], false },
        { "version 0", "0" + V4[1..], false },
        { "version 5", "5" + V4[1..], false },
        { "version 15", "F" + V6[1..], false },
        { "an Ethernet frame's beginning", "ffffffffffff0200000000010800" + V4, false },
        { "nothing", "", false },
    };

    [Theory]
    [MemberData(nameof(Packets))]
    public void A_packet_is_whole_when_its_length_field_is_the_length_received(string what, string hex, bool whole)
    {
        _ = what;
        Assert.Equal(whole, InnerPacket.IsWhole(Bytes.Of(hex)));
    }

    [Theory]
    [InlineData("10.1.1.2", "203.0.113.1")]
    [InlineData("fd00:1::2", "fd00:c::1")]
    public void The_traffic_class_is_all_eight_bits(string from, string to) =>
        Assert.Equal(0xba, InnerPacket.TrafficClass(Bytes.Packet(from, to, trafficClass: 0xba)));

    [Theory]
    [InlineData("224.0.0.22", true)]
    [InlineData("239.255.255.250", true)]
    [InlineData("240.0.0.1", false)]
    [InlineData("169.254.1.1", false)]
    [InlineData("ff02::16", true)]
    [InlineData("fe80::1", true)]
    [InlineData("febf::1", true)]
    [InlineData("fec0::1", false)]
    [InlineData("fd00::1", false)]
    public void Multicast_and_IPv6_link_local_packets_stay_on_their_link(string destination, bool stays)
    {
        var v6 = destination.Contains(':');
        var packet = Bytes.Packet(v6 ? "fd00::1" : "10.0.0.1", destination);
        Assert.Equal(stays, InnerPacket.StaysOnLink(v6, InnerPacket.Destination(packet)));
    }
}
