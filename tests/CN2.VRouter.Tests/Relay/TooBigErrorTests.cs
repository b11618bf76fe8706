using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using CN2.VRouter.Relay;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests.Relay;

/// <summary>Which packets are relayed: whole, intact errors about packets of their own receiver.</summary>
public sealed class TooBigErrorTests
{
    private static readonly IPEndPoint Sender = IPEndPoint.Parse("100.0.0.4:8080");
    private static readonly IPEndPoint Receiver = IPEndPoint.Parse("192.0.2.2:40000");
    private static readonly IPEndPoint Sender6 = IPEndPoint.Parse("[2001:db8::4]:8080");
    private static readonly IPEndPoint Receiver6 = IPEndPoint.Parse("[fd00:c::2]:40000");

    /// <summary>Hop-by-hop options, destination options of 16 octets, the first fragment.</summary>
    private static readonly byte[] Extensions = [60, 0, 1, 4, 0, 0, 0, 0, 44, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 1, 0, 0, 0, 1];

    [Theory]
    [InlineData(ProtocolType.Tcp)]
    [InlineData(ProtocolType.Udp)]
    public void The_sender_of_the_packet_that_was_too_big_is_the_FloatingIP(ProtocolType protocol)
    {
        Assert.Equal(Sender.Address, TooBigError.FloatingIPOf(V4(protocol)));
        Assert.Equal(Sender6.Address, TooBigError.FloatingIPOf(V6(protocol)));
    }

    [Fact]
    public void The_packet_that_was_too_big_may_have_extension_headers_and_be_a_first_fragment() =>
        Assert.Equal(Sender6.Address, TooBigError.FloatingIPOf(V6(ProtocolType.Tcp, Extensions)));

    [Fact]
    public void Of_a_later_fragment_nobody_can_tell_the_flow()
    {
        var extensions = Extensions.ToArray();
        extensions[27] = 0x09;
        Assert.Null(TooBigError.FloatingIPOf(V6(ProtocolType.Tcp, extensions)));
        var packet = V4();
        packet[28 + 7] = 1;
        Assert.Null(TooBigError.FloatingIPOf(Summed(packet)));
    }

    [Fact]
    public void An_error_about_a_packet_of_somebody_else_is_forged()
    {
        var packet = V4();
        packet[28 + 15]++;
        Assert.Null(TooBigError.FloatingIPOf(Summed(packet)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)] // checksum of the header
    [InlineData(16)] // receiver
    [InlineData(20)] // type
    [InlineData(21)] // code
    [InlineData(22)] // checksum
    [InlineData(40)] // the packet that was too big
    [InlineData(59)]
    public void A_damaged_octet_makes_it_none(int at)
    {
        var packet = V4();
        packet[at] ^= 0x10;
        Assert.Null(TooBigError.FloatingIPOf(packet));
    }

    [Theory]
    [InlineData(6)] // next header
    [InlineData(8)] // router
    [InlineData(40)] // type
    [InlineData(60)]
    [InlineData(99)]
    public void The_same_of_IPv6(int at)
    {
        var packet = V6();
        packet[at] ^= 0x10;
        Assert.Null(TooBigError.FloatingIPOf(packet));
    }

    [Fact]
    public void Another_message_is_none()
    {
        foreach (var (type, code) in ((byte, byte)[])[(3, 1), (3, 3), (8, 0), (11, 0)])
        {
            var packet = V4();
            (packet[20], packet[21]) = (type, code);
            Assert.Null(TooBigError.FloatingIPOf(Summed(packet)));
        }
    }

    [Fact]
    public void Nothing_shorter_is_read_beyond_its_end()
    {
        foreach (var packet in (byte[][])[V4(), V6(), V6(ProtocolType.Tcp, Extensions)])
        {
            // Cut off, with the old length and with the length of what is left.
            for (var length = 0; length < packet.Length; length++)
            {
                var cut = packet[..length];
                Assert.Null(TooBigError.FloatingIPOf(cut));
                if (length < 40) continue;
                var isV6 = packet[0] >> 4 == 6;
                BinaryPrimitives.WriteUInt16BigEndian(cut.AsSpan(isV6 ? 4 : 2), (ushort)(isV6 ? length - 40 : length));
                _ = TooBigError.FloatingIPOf(cut);
            }
        }
    }

    [Fact]
    public void Headers_that_reach_beyond_the_packet_are_none()
    {
        var options = V4();
        options[28] = 0x4f; // 60 octets of header in 32 octets
        Assert.Null(TooBigError.FloatingIPOf(Summed(options)));
        var outer = V4();
        outer[0] = 0x4f;
        Assert.Null(TooBigError.FloatingIPOf(outer));
        var extensions = Extensions.ToArray();
        extensions[1] = 255;
        Assert.Null(TooBigError.FloatingIPOf(V6(ProtocolType.Tcp, extensions)));
        extensions[1] = 30;
        Assert.Null(TooBigError.FloatingIPOf(V6(ProtocolType.Tcp, extensions)));
        var total = V4();
        BinaryPrimitives.WriteUInt16BigEndian(total.AsSpan(28 + 2), 21);
        Assert.Null(TooBigError.FloatingIPOf(Summed(total)));
    }

    [Fact]
    public void A_fragment_of_an_error_and_one_that_no_router_sends_are_none()
    {
        var fragment = V4();
        fragment[6] = 0x20;
        Assert.Null(TooBigError.FloatingIPOf(Summed(fragment)));
        var packet = V4();
        byte[] large = [.. packet, .. new byte[TooBigError.LongestPacket]];
        BinaryPrimitives.WriteUInt16BigEndian(large.AsSpan(2), (ushort)large.Length);
        Assert.Null(TooBigError.FloatingIPOf(Summed(large)));
        byte[] longest = [.. packet, .. new byte[TooBigError.LongestPacket - packet.Length]];
        BinaryPrimitives.WriteUInt16BigEndian(longest.AsSpan(2), (ushort)longest.Length);
        Assert.Equal(Sender.Address, TooBigError.FloatingIPOf(Summed(longest)));
    }

    [Fact]
    public void Any_octets_are_read_without_an_exception()
    {
        var random = new Random(20261130);
        for (var i = 0; i < 200_000; i++)
        {
            var packet = (i % 3) switch { 0 => V4(), 1 => V6(ProtocolType.Tcp, Extensions), _ => new byte[random.Next(100)] };
            for (var n = random.Next(1, 6); n > 0 && packet.Length > 0; n--) packet[random.Next(packet.Length)] = (byte)random.Next(256);
            _ = TooBigError.FloatingIPOf(packet.AsSpan(0, random.Next(packet.Length / 2, packet.Length + 1)));
        }
    }

    private static byte[] V4(ProtocolType protocol = ProtocolType.Tcp) => TooBigPackets.Of(IPAddress.Parse("198.51.100.1"), Sender, Receiver, protocol);

    private static byte[] V6(ProtocolType protocol = ProtocolType.Tcp, byte[]? extensions = null) =>
        TooBigPackets.Of(IPAddress.Parse("2001:db8:ffff::1"), Sender6, Receiver6, protocol, extensions);

    /// <summary>The IPv4 packet with checksums that are right again.</summary>
    private static byte[] Summed(byte[] packet)
    {
        foreach (var (from, to, at) in ((int, int, int)[])[(0, 20, 10), (20, packet.Length, 22)])
        {
            packet[at] = packet[at + 1] = 0;
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(at), RawPackets.Checksum(packet.AsSpan(from..to)));
        }

        return packet;
    }
}
