using System.Net;
using CN2.Api.Drivers.GoBgp;
using CN2.Network.Addressing;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Wire = CN2.Api.Drivers.GoBgp.Wire;

namespace CN2.Api.Tests.Drivers.GoBgp;

public sealed class VpnCodecTests
{
    private static Any Pack(IMessage message) => Any.Pack(message, "type.googleapis.com");

    [Theory]
    [InlineData("172.27.115.242", 5, "0001AC1B73F20005")]
    [InlineData("1.2.3.4", 65535, "000101020304FFFF")]
    [InlineData("255.255.255.255", 1, "0001FFFFFFFF0001")]
    public void A_route_distinguisher_encodes_to_the_eight_bytes_of_RFC_4364_and_decodes_again(string address, ushort number, string bytes)
    {
        var distinguisher = new RouteDistinguisher(IPAddress.Parse(address), number);
        var key = EngineRouteKey.From(IPAddress.Parse("100.0.0.4"), distinguisher);
        Assert.Equal(bytes, key.Distinguisher.ToString("X16", null));
        Assert.Equal(distinguisher, key.RouteDistinguisher);
        Assert.Equal(RouteFamily.InetVpn, key.Family);
        Assert.Equal(distinguisher, VpnCodec.Decode(VpnCodec.Encode(distinguisher)));
    }

    [Theory]
    [InlineData(0, "64512:4294967295")]
    [InlineData(1, "172.27.115.242:65535")]
    [InlineData(2, "4200000000:65535")]
    [InlineData(3, "64512L:65535")]
    public void The_text_of_a_route_distinguisher_differs_between_all_three_types(int kind, string text)
    {
        IMessage distinguisher = kind switch
        {
            0 => new Wire.RouteDistinguisherTwoOctetASN { Admin = 64512, Assigned = uint.MaxValue },
            1 => new Wire.RouteDistinguisherIPAddress { Admin = "172.27.115.242", Assigned = 65535 },
            2 => new Wire.RouteDistinguisherFourOctetASN { Admin = 4200000000, Assigned = 65535 },
            _ => new Wire.RouteDistinguisherFourOctetASN { Admin = 64512, Assigned = 65535 },
        };
        Assert.True(VpnCodec.TryFormat(Pack(distinguisher), out var read));
        Assert.Equal(text, read);
        Assert.Equal(kind == 1, VpnCodec.Decode(Pack(distinguisher)) is not null);
    }

    [Fact]
    public void Other_messages_are_not_read_as_a_route_distinguisher()
    {
        Assert.False(VpnCodec.TryFormat(null, out _));
        Assert.False(VpnCodec.TryFormat(Pack(new Wire.OriginAttribute()), out _));
        Assert.Null(VpnCodec.Decode(Pack(new Wire.RouteDistinguisherIPAddress { Admin = "garbage", Assigned = 5 })));
        Assert.Null(VpnCodec.Decode(Pack(new Wire.RouteDistinguisherIPAddress { Admin = "1.2.3.4", Assigned = 65536 })));
    }

    public static TheoryData<string, IMessage> Targets() => new()
    {
        { "target:64512:4294967295", new Wire.TwoOctetAsSpecificExtended { IsTransitive = true, SubType = 2, Asn = 64512, LocalAdmin = uint.MaxValue } },
        { "target:10.2.2.2:561", new Wire.IPv4AddressSpecificExtended { IsTransitive = true, SubType = 2, Address = "10.2.2.2", LocalAdmin = 561 } },
        { "target:4200000000:65535", new Wire.FourOctetAsSpecificExtended { IsTransitive = true, SubType = 2, Asn = 4200000000, LocalAdmin = 65535 } },
    };

    [Theory]
    [MemberData(nameof(Targets))]
    public void A_route_target_encodes_to_an_extended_community_and_decodes_again(string text, IMessage community)
    {
        var target = Spec.Target(text);
        Assert.Equal(Pack(community), VpnCodec.Encode(target));
        Assert.True(VpnCodec.TryDecode(Pack(community), out var read));
        Assert.Equal(target, read);
    }

    public static TheoryData<IMessage> OtherCommunities() => new()
    {
        new Wire.TwoOctetAsSpecificExtended { IsTransitive = true, SubType = 3, Asn = 64512, LocalAdmin = 1 },
        new Wire.TwoOctetAsSpecificExtended { IsTransitive = false, SubType = 2, Asn = 64512, LocalAdmin = 1 },
        new Wire.IPv4AddressSpecificExtended { IsTransitive = true, SubType = 2, Address = "garbage", LocalAdmin = 1 },
        new Wire.EncapExtended { TunnelType = 2 },
        new Wire.OriginAttribute(),
    };

    [Theory]
    [MemberData(nameof(OtherCommunities))]
    public void Other_extended_communities_are_not_read_as_a_route_target(IMessage community) => Assert.False(VpnCodec.TryDecode(Pack(community), out _));

    [Fact]
    public void Route_targets_with_numbers_that_the_engine_would_cut_are_refused()
    {
        Assert.Throws<ArgumentException>(() => VpnCodec.Encode(new RouteTarget(RouteTargetKind.FourOctetAS, 4200000000, 65536)));
        Assert.Throws<ArgumentException>(() => VpnCodec.Encode(new RouteTarget(RouteTargetKind.IPv4Address, 1, 65536)));
        Assert.Throws<ArgumentException>(() => VpnCodec.Encode(new RouteTarget(RouteTargetKind.TwoOctetAS, 65536, 1)));
    }

    [Fact]
    public void A_VPN_route_carries_its_targets_in_order_and_then_both_encapsulations()
    {
        var (key, hop, attributes) = new PathMapper(64512).Map(Spec.Vpn("2001:db8::4", "172.27.115.242", 5, ["target:4200000000:7", "target:64512:1"]));
        var wire = PathMapper.Encode(new(key, new(hop, attributes, hop.Identifier), IsWithdraw: false));
        Assert.Equal((2u, 128u), (wire.Family.Afi, wire.Family.Safi));
        var nlri = wire.Nlri.Unpack<Wire.LabeledVPNIPAddressPrefix>();
        Assert.Equal(("2001:db8::4", 128u, 21u), (nlri.Prefix, nlri.PrefixLen, Assert.Single(nlri.Labels)));
        Assert.Equal(new Wire.RouteDistinguisherIPAddress { Admin = "172.27.115.242", Assigned = 5 }, nlri.Rd.Unpack<Wire.RouteDistinguisherIPAddress>());
        var communities = wire.Pattrs.Single(a => a.Is(Wire.ExtendedCommunitiesAttribute.Descriptor)).Unpack<Wire.ExtendedCommunitiesAttribute>().Communities;
        Assert.Equal([
            VpnCodec.Encode(Spec.Target("target:64512:1")), VpnCodec.Encode(Spec.Target("target:4200000000:7")),
            Pack(new Wire.EncapExtended { TunnelType = 2 }), Pack(new Wire.EncapExtended { TunnelType = 13 })], communities);
        Assert.Equal(2u, wire.Pattrs.Single(a => a.Is(Wire.OriginAttribute.Descriptor)).Unpack<Wire.OriginAttribute>().Origin);
    }
}
