using System.Buffers.Binary;
using System.ComponentModel;

namespace CN2.VRouter.Netlink;

/// <summary>
/// Receives copies of the packets that rules of nftables log to a group (linux/netfilter/nfnetlink_log.h), in the network namespace of the thread
/// that makes it. A group has one receiver.
/// </summary>
internal sealed class PacketLog : IDisposable
{
    private const int Subsystem = 4; // NFNL_SUBSYS_ULOG
    private const ushort Packet = Subsystem << 8; // NFULNL_MSG_PACKET
    private const ushort Configure = (Subsystem << 8) | 1;
    private const int Command = 1; // NFULA_CFG_CMD
    private const byte Bind = 1; // NFULNL_CFG_CMD_BIND
    private const int Mode = 2; // NFULA_CFG_MODE
    private const byte CopyPacket = 2; // NFULNL_COPY_PACKET
    private const int QueueThreshold = 5; // NFULA_CFG_QTHRESH
    private const int Mark = 2; // NFULA_MARK
    private const int Payload = 9; // NFULA_PAYLOAD
    private const int BufferBytes = 1024 * 1024;
    private const int ReplyTimeout = 5000;

    private readonly NetlinkSocket _socket = new(NetlinkSocket.Netfilter);

    /// <param name="longest">So many octets of a packet are copied, from its IP header on.</param>
    /// <exception cref="Win32Exception">The group has another receiver, or the kernel has no nfnetlink_log.</exception>
    public PacketLog(ushort group, int longest)
    {
        try
        {
            _socket.SetReceiveBuffer(BufferBytes);
            Span<byte> buffer = stackalloc byte[512];
            var message = NetlinkMessage.Netfilter(buffer, Configure, NetlinkFlags.Acknowledge, 0);
            BinaryPrimitives.WriteUInt16BigEndian(message.TypeHeader[2..], group);
            message.Add(Command, [Bind]);
            Span<byte> mode = stackalloc byte[6];
            mode.Clear();
            BinaryPrimitives.WriteInt32BigEndian(mode, longest);
            mode[4] = CopyPacket;
            message.Add(Mode, mode);
            // Each packet by itself and at once: the kernel would collect them for a second.
            message.Add(QueueThreshold, [0, 0, 0, 1]);
            _socket.Send(message.Bytes);
            if (Answer(longest) is not 0 and var error) throw new Win32Exception(-error, $"nflog group {group}: {new Win32Exception(-error).Message}");
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    /// <summary>The kernel's answer; copies of packets may come before it.</summary>
    private int Answer(int longest)
    {
        var buffer = new byte[longest + 4096];
        while (true)
        {
            var datagram = _socket.Receive(buffer, ReplyTimeout, out _);
            if (datagram.IsEmpty) throw new Win32Exception("the kernel does not answer about nflog");
            var messages = new NetlinkMessages(datagram);
            while (messages.Next())
                if (messages.Type == NetlinkMessages.Error && messages.Body.Length >= 4) return BitConverter.ToInt32(messages.Body);
        }
    }

    public int Descriptor => _socket.Descriptor;

    /// <summary>The next messages, without waiting; empty: there are none, or some were lost because they came too fast.</summary>
    public NetlinkMessages Receive(Span<byte> buffer) => new(_socket.Receive(buffer, 0, out _));

    /// <summary>The packet of a message, and its mark (0: it has none); empty: the message holds no packet.</summary>
    public static ReadOnlySpan<byte> Read(NetlinkMessages message, out uint mark)
    {
        mark = 0;
        if (message.Type != Packet || message.Body.Length < NetlinkMessages.NetfilterHeaderLength) return default;
        var attributes = message.Body[NetlinkMessages.NetfilterHeaderLength..];
        mark = NetlinkMessages.BigEndian(NetlinkMessages.Attribute(attributes, Mark));
        return NetlinkMessages.Attribute(attributes, Payload);
    }

    public void Dispose() => _socket.Dispose();
}
