using CN2.VRouter.Overlay.Forwarding;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Tests.Overlay.Forwarding;

public sealed class DecapsulationTests
{
    private static readonly byte[] V4 = Bytes.Packet("203.0.113.1", "10.1.1.2", payload: "0102030405060708");
    private static readonly byte[] V6 = Bytes.Packet("fd00:c::1", "fd00:1:1::2", payload: "0102030405060708");

    public static TheoryData<string, string, uint, string> Packets => new()
    {
        { "IPv4 for 5", Hex(Bytes.Labelled(21, V4)), ForwardingSamples.Router1, "Forward" },
        { "IPv6 for 5", Hex(Bytes.Labelled(21, V6)), ForwardingSamples.Router1, "Forward" },
        { "for 7 by its router", Hex(Bytes.Labelled(23, V4)), ForwardingSamples.Router2, "Forward" },
        { "for 7 by another's router", Hex(Bytes.Labelled(23, V4)), ForwardingSamples.Router1, "UnknownSource" },
        { "for 5 by a stranger", Hex(Bytes.Labelled(21, V4)), 0x01020304u, "UnknownSource" },
        { "a label never given out", Hex(Bytes.Labelled(22, V4)), ForwardingSamples.Router1, "UnknownLabel" },
        { "the label's neighbour", Hex(Bytes.Labelled(21 + (1 << 16), V4)), ForwardingSamples.Router1, "UnknownLabel" },
        { "explicit null", Hex(Bytes.Labelled(0, V4)), ForwardingSamples.Router1, "UnknownLabel" },
        { "implicit null", Hex(Bytes.Labelled(3, V4)), ForwardingSamples.Router1, "UnknownLabel" },
        { "two labels, ours first", Hex(Bytes.Labelled(21, Bytes.Labelled(21, V4), bottom: false)), ForwardingSamples.Router1, "Malformed" },
        { "two labels, ours last", Hex(Bytes.Labelled(99, Bytes.Labelled(21, V4), bottom: false)), ForwardingSamples.Router1, "Malformed" },
        { "no bottom of stack", Hex(Bytes.Labelled(21, V4, bottom: false)), ForwardingSamples.Router1, "Malformed" },
        { "a stack that never ends", string.Concat(Enumerable.Repeat("00015040", 16000)), ForwardingSamples.Router1, "Malformed" },
        { "half an entry", "0001", ForwardingSamples.Router1, "Malformed" },
        { "nothing", "", ForwardingSamples.Router1, "Malformed" },
        { "label TTL 2", Hex(Bytes.Labelled(21, V4, ttl: 2)), ForwardingSamples.Router1, "Forward" },
        { "label TTL 1", Hex(Bytes.Labelled(21, V4, ttl: 1)), ForwardingSamples.Router1, "TtlExpired" },
        { "label TTL 0", Hex(Bytes.Labelled(21, V4, ttl: 0)), ForwardingSamples.Router1, "TtlExpired" },
        { "a label and nothing", Hex(Bytes.Labelled(21, [])), ForwardingSamples.Router1, "Malformed" },
        { "a pseudowire's control word", Hex(Bytes.Labelled(21, [0, 0, 0, 0, .. V4])), ForwardingSamples.Router1, "Malformed" },
        { "a packet cut short", Hex(Bytes.Labelled(21, V4[..^1])), ForwardingSamples.Router1, "Malformed" },
        { "a packet with something behind it", Hex(Bytes.Labelled(21, [.. V4, 0])), ForwardingSamples.Router1, "Malformed" },
        { "text", Hex("GET / HTTP/1.1\r\n\r\n"u8.ToArray()), ForwardingSamples.Router1, "Malformed" },
    };

    [Theory]
    [MemberData(nameof(Packets))]
    public void Only_packets_of_the_VPNs_routers_with_its_label_are_accepted(string what, string labelled, uint source, string verdict)
    {
        _ = what;
        Assert.Equal(verdict, Decapsulation.Decide(ForwardingSamples.Tables(), source, Bytes.Of(labelled), out _).ToString());
    }

    [Fact]
    public void The_label_selects_the_RoutingInstance()
    {
        Assert.Equal(Verdict.Forward, Decapsulation.Decide(ForwardingSamples.Tables(), ForwardingSamples.Router2, Bytes.Labelled(23, V4), out var instance));
        Assert.Equal(7, instance!.Number);
    }

    private static string Hex(byte[] bytes) => Convert.ToHexString(bytes);
}
