using System.Net;
using System.Text;
using CN2.VRouter.Host;
using CN2.VRouter.Netlink;
using CN2.VRouter.Overlay.Model;

namespace CN2.VRouter.Overlay.Plumbing;

/// <summary>Network devices by rtnetlink (linux/if_link.h).</summary>
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

    // Packets that wait while the forwarder serves other devices; the default of 500 is less than one burst of TCP.
    private const uint PacketsInQueue = 2000;

    public static Link? Read(RouteSocket socket, int index)
    {
        Link? found = null;
        var message = socket.Begin(RouteMessages.GetLink, 0, HeaderLength);
        BitConverter.TryWriteBytes(message.TypeHeader[4..], index);
        socket.Ask(message, "devices", body => found = Parse(body));
        return found;
    }

    /// <summary>What the device with this index has received and sent; null: no such device.</summary>
    public static LinkCounters? ReadCounters(RouteSocket socket, int index)
    {
        LinkCounters? found = null;
        var message = socket.Begin(RouteMessages.GetLink, 0, HeaderLength);
        BitConverter.TryWriteBytes(message.TypeHeader[4..], index);
        socket.Ask(message, "devices", body =>
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
        var message = socket.Begin(RouteMessages.GetLink, NetlinkFlags.Dump, HeaderLength);
        socket.AskAll(message, "devices", body =>
        {
            if (Parse(body) is { } link) all.Add(link);
        });
        return all;
    }

    /// <summary>The device that holds an address of this node; null: no device has it.</summary>
    public static Link? Holding(RouteSocket socket, IPAddress address)
    {
        var octets = address.GetAddressBytes();
        var index = 0;
        var message = socket.Begin(RouteMessages.GetAddress, NetlinkFlags.Dump, AddressHeaderLength);
        message.TypeHeader[0] = Posix.FamilyOf(address);
        socket.AskAll(message, "addresses", body =>
        {
            if (body.Length < AddressHeaderLength || !NetlinkMessages.Attribute(body[AddressHeaderLength..], LocalAddress).SequenceEqual(octets)) return;
            index = BitConverter.ToInt32(body[4..]);
        });
        return index == 0 ? null : Read(socket, index);
    }

    /// <summary>Queues: sets MTU and queue length, and takes the device up.</summary>
    public static void SetUp(RouteSocket socket, IInstanceDevice device, int mtu)
    {
        var message = socket.Begin(RouteMessages.NewLink, 0, HeaderLength);
        BitConverter.TryWriteBytes(message.TypeHeader[4..], device.Index);
        BitConverter.TryWriteBytes(message.TypeHeader[8..], UpFlag);
        BitConverter.TryWriteBytes(message.TypeHeader[12..], UpFlag);
        message.Add(MtuAttribute, (uint)mtu);
        message.Add(QueueLength, PacketsInQueue);
        socket.Queue(message, () => $"device {device.Name}");
    }

    /// <summary>Queues the removal of a device; a device that does not exist is no error.</summary>
    public static void Delete(RouteSocket socket, Link link)
    {
        var message = socket.Begin(RouteMessages.DeleteLink, 0, HeaderLength);
        BitConverter.TryWriteBytes(message.TypeHeader[4..], link.Index);
        socket.Queue(message, () => $"device {link.Name}", Posix.NoDevice);
    }

    /// <summary>Reads the body of a message about a device.</summary>
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
