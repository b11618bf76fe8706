using System.Net;
using System.Net.Sockets;
using CN2.Network.Collections;
using Google.Protobuf.WellKnownTypes;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// A vRouter's address as next hop, shared by all its paths. <see cref="Identifier"/> is the path identifier its paths ask for: the
/// address itself for IPv4, a hash of it for IPv6, so that it is the same after every restart without being stored.
/// </summary>
internal sealed class NextHop
{
    public NextHop(IPAddress address)
    {
        Address = address;
        // gobgpd makes MP_REACH_NLRI of it where the family needs that, with the IPv4-mapped form for vpnv6 (RFC 4659 §3.2.1.2).
        Encoded = PathAttributes.Pack(new Wire.NextHopAttribute { NextHop = address.ToString() });
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            Identifier = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes);
        }
        else
        {
            Identifier = Math.Max(Fnv1a.Of(bytes[..length]), 1);
        }
    }

    public IPAddress Address { get; }

    public uint Identifier { get; }

    public Any Encoded { get; }
}
