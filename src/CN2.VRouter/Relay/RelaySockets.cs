using System.Net;
using System.Net.Sockets;
using CN2.VRouter.Netlink;
using CN2.VRouter.Overlay.Native;

namespace CN2.VRouter.Relay;

/// <summary>All that the relay reads and writes, in the network namespace of the thread that makes it.</summary>
internal sealed class RelaySockets : IDisposable
{
    /// <summary>Keys of <see cref="Events"/>.</summary>
    public const int LogKey = 1;
    public const int DatagramsKey = 2;

    private const int BatchSize = 16;
    private const int BufferBytes = 256 * 1024;

    private readonly List<IDisposable> _parts = [];

    /// <param name="address">Of this node; other nodes know it by this address.</param>
    /// <param name="port">For datagrams, and the number of the group to which nftables logs.</param>
    /// <exception cref="System.ComponentModel.Win32Exception">Something is not to be had, or the address or the port is not; the message says what.</exception>
    public RelaySockets(IPAddress address, int port)
    {
        try
        {
            Events = Add(new EventLoop());
            Log = Add(new PacketLog((ushort)port, TooBigError.LongestPacket + 1));
            Injector = Add(new PacketInjector());
            Datagrams = Add(new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = BufferBytes, SendBufferSize = BufferBytes });
            Datagrams.Bind(new IPEndPoint(address, port));
            // Without room in the queue a datagram is lost, as it may be on its way; the thread never waits.
            Datagrams.Blocking = false;
            Received = Add(new ReceiveBatch(Add(new PacketPool(BatchSize))));
            Events.Watch(Log.Descriptor, LogKey);
            Events.Watch((int)Datagrams.Handle, DatagramsKey);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public EventLoop Events { get; }

    public PacketLog Log { get; }

    public PacketInjector Injector { get; }

    public Socket Datagrams { get; }

    public ReceiveBatch Received { get; }

    public void Dispose()
    {
        foreach (var part in Enumerable.Reverse(_parts)) part.Dispose();
    }

    private T Add<T>(T part)
        where T : IDisposable
    {
        _parts.Add(part);
        return part;
    }
}
