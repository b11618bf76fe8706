using System.Buffers.Binary;
using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Overlay;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Overlay.Model;

/// <summary>A path in the form that packets need. <paramref name="NextHop"/>: the IPv4 address as a number, first octet highest.</summary>
internal readonly record struct ForwardingPath(uint NextHop, uint Label, bool Udp)
{
    private readonly ulong _seed = FlowHash.Mix(((ulong)NextHop << 32) ^ ((ulong)Label << 1) ^ (Udp ? 1u : 0u));

    /// <summary>The usable paths of a route; null: none.</summary>
    public static ForwardingPath[]? Of(EquatableList<VpnPath> paths)
    {
        var usable = new List<ForwardingPath>(paths.Count);
        foreach (var path in paths)
        {
            if (!MplsLabel.IsUsable(path.Label) || !(path.MplsOverUdp || path.MplsOverGre)) continue;
            if (AddressOf(path.NextHop) is not { } nextHop) continue;
            usable.Add(new ForwardingPath(nextHop, path.Label, path.MplsOverUdp));
        }

        return usable.Count == 0 ? null : [.. usable];
    }

    /// <summary>
    /// The path with the highest weight for the flow (rendezvous hashing). A path that is added or removed moves only its own flows, and
    /// the order of the list does not matter.
    /// </summary>
    public static ref readonly ForwardingPath Choose(ForwardingPath[] paths, ulong flow)
    {
        var best = 0;
        if (paths.Length > 1)
        {
            ulong most = 0;
            for (var i = 0; i < paths.Length; i++)
            {
                var weight = FlowHash.Mix(flow ^ paths[i]._seed);
                if (weight < most) continue;
                most = weight;
                best = i;
            }
        }

        return ref paths[best];
    }

    private static uint? AddressOf(IPAddress address)
    {
        address = address.Unmapped(); // an inet6-vpn route has an IPv4 next hop in this form (RFC 4659 3.2.1.2)
        Span<byte> octets = stackalloc byte[16];
        return address.TryWriteBytes(octets, out var length) && length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(octets) : null;
    }
}
