using System.Buffers.Binary;
using System.Net;
using CN2.Network.Addressing;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// The key of a route in the engine: its prefix, and for a VPN route the route distinguisher as its eight bytes on the wire (RFC 4364 §4.2).
/// 0 is a unicast route of the underlay; as a route distinguisher it would be type 0 with AS 0, which is reserved.
/// </summary>
internal readonly record struct EngineRouteKey(HostPrefix Prefix, ulong Distinguisher)
{
    /// <summary>Type 1: an IPv4 address and a 16-bit number.</summary>
    private const ulong AddressType = 1;

    public RouteFamily Family => Distinguisher == 0
        ? Prefix.IsIPv4 ? RouteFamily.Inet : RouteFamily.Inet6
        : Prefix.IsIPv4 ? RouteFamily.InetVpn : RouteFamily.Inet6Vpn;

    public static EngineRouteKey From(IPAddress prefix, RouteDistinguisher? distinguisher = null) =>
        new(HostPrefix.From(prefix), distinguisher is { } rd ? Pack(rd) : 0);

    /// <summary>Null when no path that can be announced has such a key.</summary>
    public static EngineRouteKey? From(BgpPathKey key)
    {
        // An IPv4-mapped address would read as the IPv4 address, and one with a scope as the same address without it.
        if (key.Prefix.IsIPv4MappedToIPv6 || (key.Prefix.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 && key.Prefix.ScopeId != 0)) return null;
        if (key.Path.RoutingInstance == 0) return From(key.Prefix);
        return key.Path.RoutingInstance is > 0 and <= ushort.MaxValue && key.Path.NextHop.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
            ? From(key.Prefix, new RouteDistinguisher(key.Path.NextHop, (ushort)key.Path.RoutingInstance))
            : null;
    }

    /// <summary>Only for a VPN route.</summary>
    public RouteDistinguisher RouteDistinguisher
    {
        get
        {
            Span<byte> bytes = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64BigEndian(bytes, Distinguisher);
            return new(new IPAddress(bytes[2..6]), (ushort)Distinguisher);
        }
    }

    public override string ToString() => Distinguisher == 0 ? Prefix.ToString() : $"{RouteDistinguisher}:{Prefix}";

    private static ulong Pack(RouteDistinguisher distinguisher)
    {
        Span<byte> bytes = stackalloc byte[4];
        distinguisher.Administrator.TryWriteBytes(bytes, out _);
        return AddressType << 48 | (ulong)BinaryPrimitives.ReadUInt32BigEndian(bytes) << 16 | distinguisher.Number;
    }
}
