using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Host;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Relay;

/// <summary>
/// Puts packets with their own IP header into the kernel of this node, as if this node had sent them, in the network namespace of the thread that makes
/// it. They pass the hook output, where connection tracking finds their flow and translates them, and are then routed to the endpoint. No device and no
/// reverse path filter is involved. Needs CAP_NET_RAW.
/// </summary>
internal sealed unsafe class PacketInjector : IDisposable
{
    private const int RawProtocol = 255; // IPPROTO_RAW: packets have their own header
    private const int MarkOption = 36; // SO_MARK

    // The first route leads nowhere: what is not translated is dropped before it, and the others get their route after translation.
    private static readonly IPEndPoint Nowhere = new(IPAddress.Loopback, 0);
    private static readonly IPEndPoint Nowhere6 = new(IPAddress.IPv6Loopback, 0);

    private readonly Socket _v4;
    private readonly Socket _v6;
    private uint _markV4;
    private uint _markV6;

    /// <exception cref="PosixException">The kernel refused; is CAP_NET_RAW missing?</exception>
    public PacketInjector()
    {
        _v4 = Open(Posix.FamilyIPv4);
        try
        {
            _v6 = Open(Posix.FamilyIPv6);
        }
        catch
        {
            _v4.Dispose();
            throw;
        }
    }

    /// <summary>Puts in a packet of the RoutingInstance (0: of the underlay); false: the kernel refused it.</summary>
    public bool Put(int routingInstance, ReadOnlySpan<byte> packet)
    {
        var isV6 = InnerPacket.IsV6(packet);
        var mark = OverlayNumbers.Relayed + (uint)routingInstance;
        try
        {
            if (isV6) Mark(_v6, mark, ref _markV6);
            else Mark(_v4, mark, ref _markV4);
            return (isV6 ? _v6.SendTo(packet, SocketFlags.None, Nowhere6) : _v4.SendTo(packet, SocketFlags.None, Nowhere)) == packet.Length;
        }
        catch (Win32Exception)
        {
            // Among others: nftables has dropped it.
            return false;
        }
    }

    public void Dispose()
    {
        _v4.Dispose();
        _v6.Dispose();
    }

    private static Socket Open(int family)
    {
        var descriptor = Posix.Socket(family, Posix.Raw | Posix.CloseOnExec, RawProtocol);
        if (descriptor < 0) throw PosixException.Last("raw socket");
        return new Socket(new SafeSocketHandle(descriptor, ownsHandle: true)) { Blocking = false };
    }

    private static void Mark(Socket socket, uint mark, ref uint last)
    {
        if (mark == last) return;
        if (Posix.SetOption((int)socket.Handle, Posix.LevelSocket, MarkOption, &mark, sizeof(uint)) < 0) throw PosixException.Last("mark of a packet");
        last = mark;
    }
}
