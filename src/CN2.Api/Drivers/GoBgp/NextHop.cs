using System.Net;
using System.Net.Sockets;
using CN2.Network.Collections;
using Google.Protobuf.WellKnownTypes;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// A vRouter's address as next hop, shared by all its paths. <see cref="Identifier"/> is the identifier that its paths ask for: the IPv4
/// address as a number, or a hash of the IPv6 address. It is therefore the same after every restart without being stored.
/// </summary>
internal sealed class NextHop
{
    public NextHop(IPAddress address)
    {
        Address = address;
        // gobgpd turns it into MP_REACH_NLRI where the family needs that, IPv4-mapped for vpnv6 (RFC 4659 §3.2.1.2).
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
