using System.Net;
using System.Text;
using CN2.VRouter.Netlink;
using CN2.VRouter.Overlay.Model;
using CN2.VRouter.Overlay.Native;

namespace CN2.VRouter.Overlay.Plumbing;

/// <summary>Devices, by rtnetlink (linux/if_link.h).</summary>
internal static class Links
{
    private const int HeaderLength = 16; // ifinfomsg
    private const int AddressHeaderLength = 8; // ifaddrmsg
    private const int LocalAddress = 2; // IFA_LOCAL
    private const int Name = 3; // IFLA_IFNAME
    private const int MtuAttribute = 4;
    private const int QueueLength = 13; // IFLA_TXQLEN
    private const int Information = 18; // IFLA_LINKINFO
    private const int Statistics = 23; // IFLA_STATS64
    private const int Kind = 1; // IFLA_INFO_KIND
    private const uint UpFlag = 1;

    // Packets that wait while the forwarder is at others; the default of 500 is less than one burst of TCP.
    private const uint PacketsInQueue = 2000;

    public static Link? Read(RouteSocket socket, int index)
    {
        Link? found = null;
        var message = socket.Begin(RouteMessage.GetLink, 0, HeaderLength);
        BitConverter.TryWriteBytes(message.Own[4..], index);
        socket.Ask(message, dump: false, "devices", (_, body) => found = Parse(body));
        return found;
    }

    /// <summary>What the device with this index has received and sent; null: there is none.</summary>
    public static LinkCounters? ReadCounters(RouteSocket socket, int index)
    {
        LinkCounters? found = null;
        var message = socket.Begin(RouteMessage.GetLink, 0, HeaderLength);
        BitConverter.TryWriteBytes(message.Own[4..], index);
        socket.Ask(message, dump: false, "devices", (_, body) =>
        {
            var counts = NetlinkMessages.Attribute(body[HeaderLength..], Statistics);
            if (counts.Length >= 32) found = new(At(counts, 0), At(counts, 2), At(counts, 1), At(counts, 3));
        });
        return found;

        static long At(ReadOnlySpan<byte> counts, int place) => BitConverter.ToInt64(counts[(8 * place)..]);
    }

    public static List<Link> All(RouteSocket socket)
    {
        var all = new List<Link>();
        var message = socket.Begin(RouteMessage.GetLink, RouteMessage.Dump, HeaderLength);
        socket.Ask(message, dump: true, "devices", (_, body) =>
        {
            if (Parse(body) is { } link) all.Add(link);
        });
        return all;
    }

    /// <summary>The device that holds an address of this node; null: none does.</summary>
    public static Link? Holding(RouteSocket socket, IPAddress address)
    {
        var octets = address.GetAddressBytes();
        var index = 0;
        var message = socket.Begin(RouteMessage.GetAddress, RouteMessage.Dump, AddressHeaderLength);
        message.Own[0] = RouteMessage.Family(address);
        socket.Ask(message, dump: true, "addresses", (_, body) =>
        {
            if (body.Length < AddressHeaderLength || !NetlinkMessages.Attribute(body[AddressHeaderLength..], LocalAddress).SequenceEqual(octets)) return;
            index = BitConverter.ToInt32(body[4..]);
        });
        return index == 0 ? null : Read(socket, index);
    }

    /// <summary>Queues: MTU, queue length, up.</summary>
    public static void SetUp(RouteSocket socket, IInstanceDevice device, int mtu)
    {
        var message = socket.Begin(RouteMessage.NewLink, 0, HeaderLength);
        BitConverter.TryWriteBytes(message.Own[4..], device.Index);
        BitConverter.TryWriteBytes(message.Own[8..], UpFlag);
        BitConverter.TryWriteBytes(message.Own[12..], UpFlag);
        message.Add(MtuAttribute, (uint)mtu);
        message.Add(QueueLength, PacketsInQueue);
        socket.Queue(message, () => $"device {device.Name}");
    }

    /// <summary>Queues; one that is gone already is no error.</summary>
    public static void Delete(RouteSocket socket, Link link)
    {
        var message = socket.Begin(RouteMessage.DeleteLink, 0, HeaderLength);
        BitConverter.TryWriteBytes(message.Own[4..], link.Index);
        socket.Queue(message, () => $"device {link.Name}", Posix.NoDevice);
    }

    /// <summary>The body of a message about a device.</summary>
    public static Link? Parse(ReadOnlySpan<byte> body)
    {
        if (body.Length < HeaderLength) return null;
        var attributes = body[HeaderLength..];
        var mtu = NetlinkMessages.Attribute(attributes, MtuAttribute);
        return new Link(
            BitConverter.ToInt32(body[4..]),
            Text(NetlinkMessages.Attribute(attributes, Name)),
            (BitConverter.ToUInt32(body[8..]) & UpFlag) != 0,
            mtu.Length < 4 ? 0 : BitConverter.ToInt32(mtu),
            Text(NetlinkMessages.Attribute(NetlinkMessages.Attribute(attributes, Information), Kind)));
    }

    private static string Text(ReadOnlySpan<byte> value) => Encoding.UTF8.GetString(value).TrimEnd('\0');
}
