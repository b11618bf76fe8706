using System.Buffers.Binary;
using System.ComponentModel;
using System.Net;
using CN2.Network.Addressing;

namespace CN2.VRouter.Netlink;

/// <summary>
/// The kernel's table of flows (linux/netfilter/nfnetlink_conntrack.h). One pass over it finds what is to go and deletes entry by
/// entry: cost is one reading of the table, however many endpoints or addresses went.
/// </summary>
internal static class ConntrackTable
{
    private const ushort Get = (1 << 8) | 1;
    private const ushort Delete = (1 << 8) | 2;
    private const ushort Request = 1;
    private const ushort Acknowledge = 4;
    private const ushort Dump = 0x300;
    private const int TupleOriginal = 1;
    private const int TupleReply = 2;
    private const int Mark = 8;
    private const int Id = 12;
    private const int Zone = 18;
    private const int TupleAddresses = 1;
    private const int TupleProtocol = 2;

    /// <summary>Deletes the flows of a family that <paramref name="condemned"/> chooses; how many there were.</summary>
    /// <exception cref="Win32Exception">The kernel refused; CAP_NET_ADMIN?</exception>
    public static int DeleteWhere(IPFamily family, Func<ConntrackFlow, bool> condemned)
    {
        var af = (byte)(family == IPFamily.IPv4 ? 2 : 10);
        var requests = new List<byte[]>();
        using var socket = new NetlinkSocket();
        Span<byte> request = stackalloc byte[512];
        var length = NetlinkMessages.WriteHeader(request, Get, Request | Dump, af);
        socket.Send(request[..length]);
        var buffer = new byte[64 * 1024];
        for (var done = false; !done;)
        {
            var read = socket.Receive(buffer, 5000);
            if (read <= 0) throw new Win32Exception(110, "the kernel's table of flows could not be read in time");
            var messages = new NetlinkMessages(buffer.AsSpan(0, read));
            while (messages.Next())
            {
                if (messages.Type == NetlinkMessages.Done)
                {
                    done = true;
                    break;
                }

                if (messages.Type == NetlinkMessages.Error) throw Refused(messages.Body);
                if (messages.Body.Length < 4) continue;
                var attributes = messages.Body[4..];
                var original = NetlinkMessages.Attribute(attributes, TupleOriginal);
                var mark = NetlinkMessages.BigEndian(NetlinkMessages.Attribute(attributes, Mark));
                if (Parse(family, original, NetlinkMessages.Attribute(attributes, TupleReply), mark) is not { } flow || !condemned(flow)) continue;
                var at = NetlinkMessages.WriteHeader(request, Delete, Request | Acknowledge, af);
                at = NetlinkMessages.WriteAttribute(request, at, TupleOriginal | 0x8000, original);
                at = NetlinkMessages.WriteAttribute(request, at, Id, NetlinkMessages.Attribute(attributes, Id));
                // A zone of the original direction alone is in its tuple.
                var zone = NetlinkMessages.Attribute(attributes, Zone);
                if (!zone.IsEmpty) at = NetlinkMessages.WriteAttribute(request, at, Zone, zone);
                requests.Add(request[..at].ToArray());
            }
        }

        foreach (var deletion in requests)
        {
            socket.Send(deletion);
            // The answer is "done" or "not there any more"; both are right.
            if (socket.Receive(buffer, 5000) == 0) throw new Win32Exception(110, "the kernel did not answer the deletion of a flow");
        }

        return requests.Count;
    }

    private static ConntrackFlow? Parse(IPFamily family, ReadOnlySpan<byte> original, ReadOnlySpan<byte> reply, uint mark)
    {
        var v4 = family == IPFamily.IPv4;
        var forth = NetlinkMessages.Attribute(original, TupleAddresses);
        var back = NetlinkMessages.Attribute(reply, TupleAddresses);
        var destination = NetlinkMessages.Attribute(forth, v4 ? 2 : 4);
        var source = NetlinkMessages.Attribute(back, v4 ? 1 : 3);
        var protocol = NetlinkMessages.Attribute(original, TupleProtocol);
        var number = NetlinkMessages.Attribute(protocol, 1);
        if (destination.IsEmpty || source.IsEmpty || number.IsEmpty) return null;
        return new ConntrackFlow(
            number[0],
            new IPAddress(destination),
            Port(NetlinkMessages.Attribute(protocol, 3)),
            new IPAddress(source),
            Port(NetlinkMessages.Attribute(NetlinkMessages.Attribute(reply, TupleProtocol), 2)),
            mark,
            new IPAddress(NetlinkMessages.Attribute(forth, v4 ? 1 : 3)),
            new IPAddress(NetlinkMessages.Attribute(back, v4 ? 2 : 4)));
    }

    private static ushort Port(ReadOnlySpan<byte> value) => value.Length < 2 ? (ushort)0 : BinaryPrimitives.ReadUInt16BigEndian(value);

    private static Win32Exception Refused(ReadOnlySpan<byte> body) =>
        new(body.Length < 4 ? 0 : -BitConverter.ToInt32(body), "the kernel's table of flows could not be read");
}
