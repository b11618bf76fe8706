using System.Buffers.Binary;
using System.ComponentModel;
using CN2.Network.Addressing;
using CN2.VRouter.Host;
using CN2.VRouter.Netlink;

namespace CN2.VRouter.Nft;

/// <summary>
/// A transaction of nftables that the agent writes itself (linux/netfilter/nfnetlink.h): messages between a begin and an end, in one datagram. For what
/// needs no compiler of rules: nft spends several times longer on reading text than the kernel on what it says. One thread at a time, in the network namespace
/// of the thread that makes it. It is empty again after each <see cref="Send"/>.
/// </summary>
internal sealed class NftBatch : IDisposable
{
    /// <summary>What one transaction holds. More costs nothing but memory.</summary>
    private const int Capacity = 1024 * 1024;

    private const int Subsystem = 10; // NFNL_SUBSYS_NFTABLES
    private const ushort BatchBegin = 16; // NFNL_MSG_BATCH_BEGIN
    private const ushort BatchEnd = 17; // NFNL_MSG_BATCH_END
    private const int FrameLength = NetlinkMessage.HeaderLength + NetlinkMessages.NetfilterHeaderLength;
    private const int ReplyTimeout = 5000;

    private readonly byte[] _buffer = new byte[Capacity];
    private readonly NetlinkSocket _socket = new(NetlinkSocket.Netfilter);
    private int _length;
    private int _last;

    /// <exception cref="Win32Exception">The kernel refused; is CAP_NET_ADMIN missing?</exception>
    public NftBatch()
    {
        try
        {
            _socket.SetSendBuffer(Capacity);
            _socket.TurnOn(NetlinkSocket.CapAcknowledge);
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    /// <summary>Notices of what these transactions change carry it.</summary>
    public uint Port => _socket.Port;

    public bool IsEmpty => _length == 0;

    /// <summary>Whether a message with attributes of this length fits into this transaction.</summary>
    public bool HasRoom(int attributes) => _length + attributes + (3 * FrameLength) <= Capacity;

    /// <param name="type">NFT_MSG_*.</param>
    /// <param name="flags">Of <see cref="NetlinkFlags"/>.</param>
    /// <param name="attributes">With their padding.</param>
    public void Add(int type, ushort flags, IPFamily family, scoped ReadOnlySpan<byte> attributes)
    {
        if (IsEmpty) Frame(BatchBegin);
        _last = _length;
        var message = NetlinkMessage.Netfilter(_buffer.AsSpan(_length), (ushort)((Subsystem << 8) | type), flags, NumberOf(family));
        message.AddWritten(attributes);
        _length += message.Length;
    }

    /// <summary>All of it or, with an exception, nothing is in force.</summary>
    /// <exception cref="Win32Exception">The kernel has refused, with its error.</exception>
    public void Send()
    {
        // The last message asks for an answer. The answer to one that is refused comes before it.
        BitConverter.TryWriteBytes(_buffer.AsSpan(_last + 6), (ushort)(BitConverter.ToUInt16(_buffer, _last + 6) | NetlinkFlags.Acknowledge));
        Frame(BatchEnd);
        var batch = _buffer.AsSpan(0, _length);
        _length = 0;
        Span<byte> answer = stackalloc byte[4096];
        // What is left of the answers to one that was refused.
        while (!_socket.Receive(answer, 0, out _).IsEmpty)
        {
        }

        _socket.Send(batch);
        var messages = new NetlinkMessages(_socket.Receive(answer, ReplyTimeout, out _));
        if (!messages.Next() || messages.Type != NetlinkMessages.Error || messages.Body.Length < 4) throw new Win32Exception("the kernel does not answer a transaction of nftables");
        if (-BitConverter.ToInt32(messages.Body) is not 0 and var error) throw new PosixException("nftables", error);
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>The number of the family's tables (NFPROTO_*).</summary>
    internal static byte NumberOf(IPFamily family) => (byte)(family == IPFamily.IPv4 ? Posix.FamilyIPv4 : Posix.FamilyIPv6);

    private void Frame(ushort type)
    {
        var message = NetlinkMessage.Netfilter(_buffer.AsSpan(_length), type, 0, 0);
        BinaryPrimitives.WriteUInt16BigEndian(message.TypeHeader[2..], Subsystem);
        _length += message.Length;
    }
}
