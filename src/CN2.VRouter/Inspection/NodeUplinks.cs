using System.ComponentModel;
using System.Net;
using System.Net.NetworkInformation;
using CN2.Network.Addressing;
using CN2.VRouter.Host;
using CN2.VRouter.Netlink;

namespace CN2.VRouter.Inspection;

/// <summary>
/// The interfaces by which packets come from outside: those that hold an address of the command line, and those with a route of the main table over a gateway. All
/// others lead to pods. Any thread may read it.
/// </summary>
/// <param name="own">The addresses of the command line.</param>
/// <param name="read">The names of the interfaces; null: as the kernel has them in the network namespace of the calling thread.</param>
public sealed class NodeUplinks(IReadOnlyCollection<IPAddress> own, Func<IEnumerable<string>>? read = null)
{
    private const ushort GetRoute = 26; // RTM_GETROUTE
    private const int StrictCheck = 12; // NETLINK_GET_STRICT_CHK: a dump honours the filter in its request
    private const int RouteHeaderLength = 12; // rtmsg
    private const byte MainTable = 254; // RT_TABLE_MAIN
    private const int NextHopHeaderLength = 8; // rtnexthop
    private const int OutputDevice = 4; // RTA_OIF
    private const int Gateway = 5; // RTA_GATEWAY
    private const int Multipath = 9; // RTA_MULTIPATH
    private const int Via = 18; // RTA_VIA
    private const byte Unicast = 1; // RTN_UNICAST
    private const int ReplyTimeout = 5000;

    private volatile IReadOnlySet<string> _names = new HashSet<string>();
    private volatile IReadOnlyDictionary<IPAddress, string> _holders = new Dictionary<IPAddress, string>();

    /// <summary>The interfaces; empty before the first <see cref="Refresh"/>.</summary>
    public IReadOnlySet<string> Names => _names;

    /// <summary>The node has endpoints of this family: an address of the command line says so.</summary>
    public bool Has(IPFamily family) => own.Any(a => a.FamilyOf() == family);

    /// <summary>The interface with the node's address of this family: routers send to the node by it. Null: there is none, or only the loopback has the address.</summary>
    public string? HolderOf(IPFamily family) => own.FirstOrDefault(a => a.FamilyOf() == family) is { } address ? _holders.GetValueOrDefault(address) : null;

    /// <summary>Looks again; true: the interfaces have changed. For one task.</summary>
    public bool Refresh()
    {
        HashSet<string> now;
        var holders = new Dictionary<IPAddress, string>();
        try
        {
            now = [.. read is null ? Read(holders) : read()];
        }
        catch (Exception e) when (e is NetworkInformationException or Win32Exception)
        {
            return false; // an interface went while it was read
        }

        _holders = holders;
        if (now.SetEquals(_names)) return false;
        _names = now;
        return true;
    }

    private IEnumerable<string> Read(Dictionary<IPAddress, string> holders)
    {
        var devices = DevicesOfGateways();
        foreach (var device in NetworkInterface.GetAllNetworkInterfaces())
        {
            var properties = device.GetIPProperties();
            if (device.NetworkInterfaceType == NetworkInterfaceType.Loopback) continue;
            var held = properties.UnicastAddresses.Select(a => a.Address.Unmapped()).Where(own.Contains).ToList();
            foreach (var address in held) holders.TryAdd(address, device.Name);
            if (held.Count > 0 || devices.Contains(properties.GetIPv4Properties().Index)) yield return device.Name;
        }
    }

    private static HashSet<int> DevicesOfGateways()
    {
        var devices = new HashSet<int>();
        using var socket = new NetlinkSocket(NetlinkSocket.Route);
        // The tables of RoutingInstances may be long, and lead to no uplink.
        socket.TurnOn(StrictCheck);
        Span<byte> request = stackalloc byte[64];
        var buffer = new byte[64 * 1024];
        foreach (var family in (byte[])[Posix.FamilyIPv4, Posix.FamilyIPv6])
        {
            var message = new NetlinkMessage(request, GetRoute, NetlinkFlags.Dump, RouteHeaderLength);
            message.TypeHeader[0] = family;
            message.TypeHeader[4] = MainTable;
            socket.Send(message.Bytes);
            for (var done = false; !done;)
            {
                var datagram = socket.Receive(buffer, ReplyTimeout, out _);
                if (datagram.IsEmpty) throw new Win32Exception("the kernel's routes could not be read in time");
                var messages = new NetlinkMessages(datagram);
                while (messages.Next() && !done)
                {
                    done = messages.Type is NetlinkMessages.Done or NetlinkMessages.Error;
                    if (!done && messages.Body.Length >= RouteHeaderLength && messages.Body[7] == Unicast)
                        Add(devices, messages.Body[RouteHeaderLength..]);
                }
            }
        }

        return devices;
    }

    private static void Add(HashSet<int> devices, ReadOnlySpan<byte> attributes)
    {
        if (HasGateway(attributes) && NetlinkMessages.Attribute(attributes, OutputDevice) is { Length: >= 4 } output) devices.Add(BitConverter.ToInt32(output));
        var nextHops = NetlinkMessages.Attribute(attributes, Multipath);
        while (nextHops.Length >= NextHopHeaderLength)
        {
            var length = BitConverter.ToUInt16(nextHops);
            if (length < NextHopHeaderLength || length > nextHops.Length) return;
            if (HasGateway(nextHops[NextHopHeaderLength..length])) devices.Add(BitConverter.ToInt32(nextHops[4..]));
            nextHops = nextHops[Math.Min((length + 3) & ~3, nextHops.Length)..];
        }
    }

    private static bool HasGateway(ReadOnlySpan<byte> attributes) =>
        !NetlinkMessages.Attribute(attributes, Gateway).IsEmpty || !NetlinkMessages.Attribute(attributes, Via).IsEmpty;
}
