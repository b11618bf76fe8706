using System.Net;
using System.Text.Json;
using CN2.Network.Addressing;
using CN2.Network.Status;
using CN2.VRouter.Host;

namespace CN2.VRouter.Inspection;

/// <summary>
/// Whether the kernel forwards what endpoints of this node answer: that comes in by the interface that leads to the endpoint. A pod's interface that was added after somebody set
/// <c>net.ipv4.conf.default.forwarding</c> to 0 is off, for example. The routes to the endpoints are looked at only where an interface of the node is off. One task at a time calls it.
/// </summary>
/// <param name="endpoints">The endpoints that are on this node.</param>
internal sealed class EndpointForwarding(NodeUplinks uplinks, Func<Task<IReadOnlyList<IPAddress>>> endpoints)
{
    /// <summary>So many interfaces are named; the message is stored and shown.</summary>
    private const int MostNamed = 3;

    public async Task<IReadOnlyList<NodeFault>> ReadAsync()
    {
        var off = new Dictionary<(IPFamily Family, string Device), DeviceSetting>();
        foreach (var family in (IPFamily[])[IPFamily.IPv4, IPFamily.IPv6])
        {
            // What is off for the whole node is said once (ForwardingSettings).
            if (!uplinks.Has(family) || ForwardingSwitch.IsOffForNode(family, uplinks.Names) || (family == IPFamily.IPv6 && !ForwardingSwitch.IsOffForAll(family))) continue;
            foreach (var device in NodeFile.Devices().Where(d => d != "lo" && !uplinks.Names.Contains(d)))
            {
                if (ForwardingSwitch.OffBy(family, device) is { } setting) off.Add((family, device), setting);
            }
        }

        if (off.Count == 0) return [];
        var devices = await DevicesOfAsync([.. (await endpoints()).Where(a => uplinks.Has(a.FamilyOf()))]);
        var faults = new List<NodeFault>();
        foreach (var ofFamily in devices.GroupBy(d => d.Family).OrderBy(g => g.Key))
        {
            var settings = ofFamily.Where(off.ContainsKey).Select(d => off[d]).OrderBy(s => s.Device, StringComparer.Ordinal).ToList();
            if (settings.Count > 0) faults.Add(FaultOf(ofFamily.Key, settings, stops: settings.Count == ofFamily.Count()));
        }

        return faults;
    }

    private static NodeFault FaultOf(IPFamily family, List<DeviceSetting> settings, bool stops)
    {
        var names = string.Join(", ", settings.Take(MostNamed).Select(s => s.Name)) + (settings.Count > MostNamed ? " and others" : "");
        var (verb, them) = settings.Count == 1 ? ("is", "it") : ("are", "them");
        return new NodeFault(
            NodeFaultReason.ForwardingOff, $"{names} {verb} 0: what the endpoints behind {them} answer is not forwarded over {family}; set {them} to 1", family.Traffic(), stops);
    }

    /// <summary>The interfaces that lead to these addresses. An address without a route has none.</summary>
    private static async Task<HashSet<(IPFamily Family, string Device)>> DevicesOfAsync(IReadOnlyList<IPAddress> addresses)
    {
        var devices = new HashSet<(IPFamily, string)>();
        var questions = string.Concat(addresses.Select(a => $"route get {a}\n"));
        var (_, output, _) = await ToolProcess.RunAsync("ip", "install iproute2", questions, null, "-j", "-force", "-batch", "-");
        foreach (var line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var document = JsonDocument.Parse(line);
            foreach (var route in document.RootElement.EnumerateArray())
            {
                if (route.TryGetProperty("dev", out var device) && device.GetString() is { } name && route.TryGetProperty("dst", out var to) && IPAddress.TryParse(to.GetString(), out var address))
                    devices.Add((address.FamilyOf(), name));
            }
        }

        return devices;
    }
}
