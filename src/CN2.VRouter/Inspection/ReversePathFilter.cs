using System.Globalization;
using System.Net.NetworkInformation;
using System.Text.Json;
using CN2.Network.Addressing;
using CN2.Network.Status;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Host;

namespace CN2.VRouter.Inspection;

/// <summary>
/// The strict reverse path filter (RFC 3704 §2.2, <c>rp_filter</c> 1) drops what a client sends when the route back to the client leaves by another
/// interface than the packet came in by. The setting alone is no fault: only where the kernel's counter grows does it drop. One task at a time calls it.
/// </summary>
/// <param name="uplinks">Routers send by the interface that has the node's address.</param>
internal sealed class ReversePathFilter(NodeUplinks uplinks, TimeProvider time)
{
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(30);

    private long? _dropped;
    private long? _grewAt;

    public async Task<IReadOnlyList<NodeFault>> ReadAsync()
    {
        var dropped = Dropped(NodeFile.Lines("/proc/thread-self/net/netstat"));
        if (_dropped is { } before && dropped > before) _grewAt = time.GetTimestamp();
        _dropped = dropped;
        if (_grewAt is not { } at || time.GetElapsedTime(at) >= Remembered) return [];
        // Where clients are reached by routes of their own over the uplink, the default route says nothing about them.
        if (uplinks.HolderOf(IPFamily.IPv4) is { } uplink && StrictBy(uplink) is { } setting && DefaultDevices(await RoutesAsync("default")) is { Count: > 0 } devices && !devices.Contains(uplink)
            && !HaveGateway(await RoutesAsync("dev", uplink)))
        {
            return [new NodeFault(
                NodeFaultReason.StrictReversePathFilter,
                $"{setting} is 1, and the default route leaves by {devices[0]}: the kernel drops packets of clients that come in by {uplink} (IPReversePathFilter in /proc/net/netstat grows); set it to 0 or 2",
                TrafficKinds.IPv4)];
        }

        return Devices().Select(StrictBy).FirstOrDefault(s => s is not null) is not { } strict ? [] :
        [
            new NodeFault(
                NodeFaultReason.StrictReversePathFilter,
                $"{strict} is 1, and the kernel drops packets because of it (IPReversePathFilter in /proc/net/netstat grows): if they are of clients, set it to 0 or 2",
                TrafficKinds.IPv4,
                Stops: false),
        ];
    }

    /// <summary>The count of IPReversePathFilter in /proc/net/netstat: lines with names and lines with numbers, in pairs.</summary>
    internal static long Dropped(IReadOnlyList<string> lines)
    {
        for (var i = 0; i + 1 < lines.Count; i += 2)
        {
            var at = Array.IndexOf(lines[i].Split(' '), "IPReversePathFilter");
            if (at > 0 && lines[i + 1].Split(' ') is var numbers && numbers.Length > at && long.TryParse(numbers[at], CultureInfo.InvariantCulture, out var count)) return count;
        }

        return 0;
    }

    /// <summary>The devices of the default routes, in <c>ip -j route show default</c>.</summary>
    internal static List<string> DefaultDevices(string routes)
    {
        var devices = new List<string>();
        if (routes.Length == 0) return devices;
        using var document = JsonDocument.Parse(routes);
        foreach (var route in document.RootElement.EnumerateArray())
        {
            Add(route);
            if (route.TryGetProperty("nexthops", out var hops))
                foreach (var hop in hops.EnumerateArray()) Add(hop);
        }

        return devices;

        void Add(JsonElement hop)
        {
            if (hop.TryGetProperty("dev", out var device) && device.GetString() is { } name) devices.Add(name);
        }
    }

    private static IEnumerable<string> Devices() => Interfaces().Where(i => i.NetworkInterfaceType != NetworkInterfaceType.Loopback).Select(i => i.Name);

    private static NetworkInterface[] Interfaces()
    {
        try
        {
            return NetworkInterface.GetAllNetworkInterfaces();
        }
        catch (NetworkInformationException)
        {
            return []; // an interface went while it was read
        }
    }

    /// <summary>The setting that makes the filter of the device strict; null: it is not. The kernel uses the higher value of "all" and the device's own.</summary>
    private static string? StrictBy(string device)
    {
        var all = new DeviceSetting(IPFamily.IPv4, "all", "rp_filter");
        var own = new DeviceSetting(IPFamily.IPv4, device, "rp_filter");
        if (all.Value == "2" || own.Value == "2") return null;
        return own.Value == "1" ? own.Name : all.Value == "1" ? all.Name : null;
    }

    /// <summary>One of the routes leads through a gateway.</summary>
    internal static bool HaveGateway(string routes)
    {
        if (routes.Length == 0) return false;
        using var document = JsonDocument.Parse(routes);
        return document.RootElement.EnumerateArray().Any(r => r.TryGetProperty("gateway", out _) || r.TryGetProperty("via", out _));
    }

    private static async Task<string> RoutesAsync(params string[] which)
    {
        try
        {
            var (code, output, _) = await ToolProcess.RunAsync("ip", "install iproute2", null, null, ["-j", "-4", "route", "show", .. which]);
            return code == 0 ? output : "";
        }
        catch (Exception e) when (e is DataplaneException or TimeoutException)
        {
            return "";
        }
    }
}
