using System.Buffers.Binary;
using CN2.VRouter.Host;

namespace CN2.VRouter.Overlay.Native;

/// <summary>A socket towards the underlay, in the network namespace of the thread that made it.</summary>
internal sealed unsafe class TunnelSocket : IDisposable
{
    private const int UdpProtocol = 17;
    private const int GreProtocol = 47;
    private const int SendBufferForce = 32;
    private const int ReceiveBufferForce = 33;
    private const int AttachFilter = 26;
    private const int FreeBind = 15;
    private const int PathMtuDiscovery = 10;
    private const int Loopback = 0x7f000001;

    // About 20 ms of a 10 Gbit/s link, so that neither a pause of this process nor a burst loses packets.
    private const int ReceiveBuffer = 32 * 1024 * 1024;

    // More than the kernel queues for a neighbour that does not answer (212 KB). Otherwise one such neighbour would block all others.
    private const int SendBuffer = 8 * 1024 * 1024;

    private int _descriptor;

    private TunnelSocket(string what, int type, int protocol, uint address, ushort port)
    {
        _descriptor = Posix.Socket(Posix.FamilyIPv4, type | Posix.NonBlocking | Posix.CloseOnExec, protocol);
        if (_descriptor < 0) throw PosixException.Last(what);
        try
        {
            Set(what, Posix.LevelSocket, ReceiveBufferForce, ReceiveBuffer);
            Set(what, Posix.LevelSocket, SendBufferForce, SendBuffer);
            // DF is 0. The MTU of the device keeps packets within the node's own link. Where the path to a router has a smaller MTU, the outer
            // packet is fragmented (RFC 4023 5.1), because a loss would not be reported to the sender.
            Set(what, Posix.LevelIP, PathMtuDiscovery, 0);
            if (address == Loopback) Set(what, Posix.LevelIP, FreeBind, 1);
            var local = Address(address, port);
            if (Posix.Bind(_descriptor, &local, sizeof(SocketAddressV4)) < 0) throw PosixException.Last(what);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public int Descriptor => _descriptor;

    /// <summary>Receives MPLS-in-UDP.</summary>
    public static TunnelSocket UdpIn(uint address) => new($"UDP port {Packets.MplsInUdp.Port} of this node", Posix.Datagram, UdpProtocol, address, Packets.MplsInUdp.Port);

    /// <summary>Receives MPLS-in-GRE with the outer IPv4 header, and sends it.</summary>
    public static TunnelSocket Gre(uint address) => new("GRE socket", Posix.Raw, GreProtocol, address, 0);

    /// <summary>
    /// Sends MPLS-in-UDP. A raw socket, because a UDP socket has only one source port and every flow needs its own. A raw UDP socket receives a
    /// copy of every UDP packet of the node: it is bound to the loopback address, which few packets match, and a filter drops those. Each
    /// message carries its source address.
    /// </summary>
    public static TunnelSocket UdpOut()
    {
        var socket = new TunnelSocket("raw UDP socket", Posix.Raw, UdpProtocol, Loopback, 0);
        var nothing = stackalloc ushort[4] { 0x06, 0, 0, 0 }; // BPF: return 0
        var program = stackalloc nint[2] { 1, (nint)nothing };
        if (Posix.SetOption(socket._descriptor, Posix.LevelSocket, AttachFilter, program, 2 * sizeof(nint)) >= 0) return socket;
        var error = PosixException.Last("filter of the raw UDP socket");
        socket.Dispose();
        throw error;
    }

    public static SocketAddressV4 Address(uint address, ushort port) => new()
    {
        Family = Posix.FamilyIPv4,
        Port = BinaryPrimitives.ReverseEndianness(port),
        Address = BinaryPrimitives.ReverseEndianness(address),
    };

    public void Dispose()
    {
        var descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0) _ = Posix.Close(descriptor);
    }

    private void Set(string what, int level, int option, int value)
    {
        if (Posix.SetOption(_descriptor, level, option, &value, sizeof(int)) < 0) throw PosixException.Last(what);
    }
}
