using System.Buffers.Binary;
using System.ComponentModel;
using System.Net;
using CN2.Network.Addressing;
using CN2.VRouter.Host;

namespace CN2.VRouter.Netlink;

/// <summary>
/// The kernel's table of tracked flows (linux/netfilter/nfnetlink_conntrack.h). One pass over it finds the flows that must end, then each
/// is deleted by its id: the cost is one reading of the table, however many endpoints or addresses were removed.
/// </summary>
internal static class ConntrackTable
{
    private const ushort Get = (1 << 8) | 1;
    private const ushort Delete = (1 << 8) | 2;
    private const int TupleOriginal = 1;
    private const int TupleReply = 2;
    private const int Status = 3;
    private const uint SeenReply = 2; // IPS_SEEN_REPLY
    private const int Mark = 8;
    private const int Id = 12;
    private const int Zone = 18;
    private const int TupleAddresses = 1;
    private const int TupleProtocol = 2;
    private const int ReplyTimeout = 5000;
    private const int TimedOut = 110; // ETIMEDOUT

    /// <summary>Deletes the flows of a family that <paramref name="mustEnd"/> chooses; returns how many there were.</summary>
    /// <exception cref="Win32Exception">The kernel refused; is CAP_NET_ADMIN missing?</exception>
    public static int DeleteWhere(IPFamily family, Func<ConntrackFlow, bool> mustEnd)
    {
        var af = (byte)(family == IPFamily.IPv4 ? Posix.FamilyIPv4 : Posix.FamilyIPv6);
        var deletions = new List<byte[]>();
        using var socket = new NetlinkSocket(NetlinkSocket.Netfilter);
        Span<byte> request = stackalloc byte[512];
        socket.Send(NetlinkMessage.Netfilter(request, Get, NetlinkFlags.Dump, af).Bytes);
        var buffer = new byte[64 * 1024];
        for (var done = false; !done;)
        {
            var datagram = socket.Receive(buffer, ReplyTimeout, out _);
            if (datagram.IsEmpty) throw new Win32Exception(TimedOut, "the kernel's table of flows could not be read in time");
            var messages = new NetlinkMessages(datagram);
            while (messages.Next())
            {
                if (messages.Type == NetlinkMessages.Done)
                {
                    done = true;
                    break;
                }

                if (messages.Type == NetlinkMessages.Error) throw Refused(messages.Body);
                if (messages.Body.Length < NetlinkMessages.NetfilterHeaderLength) continue;
                var attributes = messages.Body[NetlinkMessages.NetfilterHeaderLength..];
                var original = NetlinkMessages.Attribute(attributes, TupleOriginal);
                var mark = NetlinkMessages.BigEndian(NetlinkMessages.Attribute(attributes, Mark));
                var replied = (NetlinkMessages.BigEndian(NetlinkMessages.Attribute(attributes, Status)) & SeenReply) != 0;
                if (Parse(family, original, NetlinkMessages.Attribute(attributes, TupleReply), mark, replied) is not { } flow || !mustEnd(flow)) continue;
                var deletion = NetlinkMessage.Netfilter(request, Delete, NetlinkFlags.Acknowledge, af);
                deletion.Add(TupleOriginal | NetlinkAttributes.Nested, original);
                deletion.Add(Id, NetlinkMessages.Attribute(attributes, Id));
                // A zone of the original direction alone is part of the tuple.
                var zone = NetlinkMessages.Attribute(attributes, Zone);
                if (!zone.IsEmpty) deletion.Add(Zone, zone);
                deletions.Add(deletion.Bytes.ToArray());
            }
        }

        foreach (var deletion in deletions)
        {
            socket.Send(deletion);
            // The answer is "done" or "no such entry"; both are right.
            if (socket.Receive(buffer, ReplyTimeout, out var lost).IsEmpty && !lost) throw new Win32Exception(TimedOut, "the kernel did not answer the deletion of a flow");
        }

        return deletions.Count;
    }

    private static ConntrackFlow? Parse(IPFamily family, ReadOnlySpan<byte> original, ReadOnlySpan<byte> reply, uint mark, bool replied)
    {
        // CTA_IP_V4_SRC 1, V4_DST 2, V6_SRC 3, V6_DST 4.
        var (source, destination) = family == IPFamily.IPv4 ? (1, 2) : (3, 4);
        var originalAddresses = NetlinkMessages.Attribute(original, TupleAddresses);
        var replyAddresses = NetlinkMessages.Attribute(reply, TupleAddresses);
        var originalDestination = NetlinkMessages.Attribute(originalAddresses, destination);
        var replySource = NetlinkMessages.Attribute(replyAddresses, source);
        var protocol = NetlinkMessages.Attribute(original, TupleProtocol);
        var replyProtocol = NetlinkMessages.Attribute(reply, TupleProtocol);
        var number = NetlinkMessages.Attribute(protocol, 1);
        if (originalDestination.IsEmpty || replySource.IsEmpty || number.IsEmpty) return null;
        return new ConntrackFlow(
            number[0],
            new IPAddress(originalDestination),
            Port(NetlinkMessages.Attribute(protocol, 3)),
            new IPAddress(replySource),
            Port(NetlinkMessages.Attribute(replyProtocol, 2)),
            mark,
            new IPAddress(NetlinkMessages.Attribute(originalAddresses, source)),
            new IPAddress(NetlinkMessages.Attribute(replyAddresses, destination)),
            replied,
            Port(NetlinkMessages.Attribute(protocol, 2)),
            Port(NetlinkMessages.Attribute(replyProtocol, 3)));
    }

    private static ushort Port(ReadOnlySpan<byte> value) => value.Length < 2 ? (ushort)0 : BinaryPrimitives.ReadUInt16BigEndian(value);

    private static Win32Exception Refused(ReadOnlySpan<byte> body) =>
        new(body.Length < 4 ? 0 : -BitConverter.ToInt32(body), "the kernel's table of flows could not be read");
}
