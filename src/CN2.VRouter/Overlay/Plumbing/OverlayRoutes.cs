using System.Net;
using System.Net.Sockets;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Host;
using CN2.VRouter.Netlink;

namespace CN2.VRouter.Overlay.Plumbing;

/// <summary>The routes in the table of a RoutingInstance: every imported prefix leads to the instance's device. The forwarder chooses the path.</summary>
internal static class OverlayRoutes
{
    private const int HeaderLength = 12; // rtmsg
    private const int Destination = 1;
    private const int OutputDevice = 4;
    private const int TableAttribute = 15;
    private const byte ScopeLink = 253;
    private const byte Unicast = 1;

    /// <summary>The prefixes in the table that lead to this device.</summary>
    public static HashSet<IPNetwork> Read(RouteSocket socket, byte family, uint table, int device)
    {
        var prefixes = new HashSet<IPNetwork>();
        var message = socket.Begin(RouteMessages.GetRoute, NetlinkFlags.Dump, HeaderLength);
        message.TypeHeader[0] = family;
        message.Add(TableAttribute, table);
        socket.AskAll(message, "routes", body =>
        {
            if (body.Length < HeaderLength || TableOf(body) != table || body[5] != OverlayNumbers.RouteProtocol) return;
            var attributes = body[HeaderLength..];
            var output = NetlinkMessages.Attribute(attributes, OutputDevice);
            if (output.Length < 4 || BitConverter.ToInt32(output) != device) return;
            var destination = NetlinkMessages.Attribute(attributes, Destination);
            var address = destination.IsEmpty ? (family == Posix.FamilyIPv6 ? IPAddress.IPv6Any : IPAddress.Any) : new IPAddress(destination);
            prefixes.Add(new IPNetwork(address, body[1]));
        });
        return prefixes;
    }

    /// <summary>Queues the addition of a route.</summary>
    /// <param name="refused">Gets the reason if the kernel refuses it.</param>
    public static void Add(RouteSocket socket, uint table, int device, IPNetwork prefix, Action<string> refused) =>
        Queue(socket, RouteMessages.NewRoute, NetlinkFlags.Create | NetlinkFlags.Replace, table, device, prefix, refused);

    /// <summary>Queues the removal of a route; a route that does not exist is no error.</summary>
    public static void Remove(RouteSocket socket, uint table, int device, IPNetwork prefix) =>
        Queue(socket, RouteMessages.DeleteRoute, 0, table, device, prefix, null, Posix.NoSuchProcess, Posix.NoEntry, Posix.NoDevice);

    /// <summary>The table in the body of a message about a route.</summary>
    public static uint TableOf(ReadOnlySpan<byte> body)
    {
        if (body.Length < HeaderLength) return 0;
        var table = NetlinkMessages.Attribute(body[HeaderLength..], TableAttribute);
        return table.Length < 4 ? body[4] : BitConverter.ToUInt32(table);
    }

    private static void Queue(RouteSocket socket, ushort type, ushort flags, uint table, int device, IPNetwork prefix, Action<string>? refused, params int[] tolerated)
    {
        var message = socket.Begin(type, flags, HeaderLength);
        var own = message.TypeHeader;
        own[0] = Posix.FamilyOf(prefix.BaseAddress);
        own[1] = (byte)prefix.PrefixLength;
        own[5] = OverlayNumbers.RouteProtocol;
        own[6] = prefix.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? ScopeLink : (byte)0;
        own[7] = Unicast;
        if (prefix.PrefixLength > 0) message.Add(Destination, prefix.BaseAddress);
        message.Add(OutputDevice, (uint)device);
        message.Add(TableAttribute, table);
        socket.Queue(message, () => $"route {prefix} of table 0x{table:x}", refused, tolerated);
    }
}
