using System.Buffers.Binary;
using System.ComponentModel;
using System.Text;
using CN2.VRouter.Host;
using CN2.VRouter.Netlink;

namespace CN2.VRouter.Nft;

/// <summary>Reads the named counters of a table of nftables, of both families together, in the network namespace of the thread that makes it. One thread at a time.</summary>
internal sealed class NftCounters(string table) : IDisposable
{
    private const ushort GetObjects = (10 << 8) | 19; // NFNL_SUBSYS_NFTABLES, NFT_MSG_GETOBJ

    private readonly NetlinkSocket _socket = new(NetlinkSocket.Netfilter);

    /// <summary>Packets by counter; empty if there is no such table.</summary>
    /// <exception cref="Win32Exception">The kernel does not say them all.</exception>
    public Dictionary<string, long> Read()
    {
        var counts = new Dictionary<string, long>();
        foreach (var family in (byte[])[Posix.FamilyIPv4, Posix.FamilyIPv6]) Read(family, counts);
        return counts;
    }

    public void Dispose() => _socket.Dispose();

    private void Read(byte family, Dictionary<string, long> counts)
    {
        Span<byte> request = stackalloc byte[256];
        var message = NetlinkMessage.Netfilter(request, GetObjects, NetlinkFlags.Dump, family);
        message.Add(1, Encoding.ASCII.GetBytes(table + '\0'));
        _socket.Send(message.Bytes);
        Span<byte> buffer = stackalloc byte[16 * 1024];
        while (true)
        {
            var datagram = _socket.Receive(buffer, 5000, out _);
            if (datagram.IsEmpty) throw new Win32Exception("the counters of nftables could not be read in time");
            var messages = new NetlinkMessages(datagram);
            while (messages.Next())
            {
                if (messages.Type == NetlinkMessages.Done) return;
                if (messages.Type == NetlinkMessages.Error && BitConverter.ToInt32(messages.Body) == -Posix.NoEntry) return;
                if (messages.Type == NetlinkMessages.Error) throw new Win32Exception("the counters of nftables could not be read");
                var attributes = messages.Body[NetlinkMessages.NetfilterHeaderLength..];
                if (Encoding.ASCII.GetString(NetlinkMessages.Attribute(attributes, 1)).TrimEnd('\0') != table) continue;
                var name = Encoding.ASCII.GetString(NetlinkMessages.Attribute(attributes, 2)).TrimEnd('\0');
                var packets = NetlinkMessages.Attribute(NetlinkMessages.Attribute(attributes, 4), 2);
                if (packets.Length == 8) counts[name] = counts.GetValueOrDefault(name) + BinaryPrimitives.ReadInt64BigEndian(packets);
            }
        }
    }
}
