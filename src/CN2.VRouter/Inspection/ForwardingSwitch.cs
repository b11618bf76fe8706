using CN2.Network.Addressing;

namespace CN2.VRouter.Inspection;

/// <summary>
/// Whether the kernel forwards what comes in by an interface. IPv4: the interface's own <c>forwarding</c> decides; <c>net.ipv4.ip_forward</c> only sets all of them, and what new ones
/// begin with. IPv6: <c>net.ipv6.conf.all.forwarding</c> decides, and with it off the interface's own <c>force_forwarding</c> (Linux 6.17 and newer); its own <c>forwarding</c> is about router
/// advertisements. The interface by which a packet leaves is not asked. (Documentation/networking/ip-sysctl.rst.)
/// </summary>
internal static class ForwardingSwitch
{
    /// <summary>The setting that turns it off; null: it is on, or the interface is gone.</summary>
    public static DeviceSetting? OffBy(IPFamily family, string device)
    {
        if (family == IPFamily.IPv4) return new DeviceSetting(family, device, "forwarding") is { Value: "0" } off ? off : null;
        if (!IsOffForAll(family)) return null;
        var forced = new DeviceSetting(family, device, "force_forwarding");
        return forced.Value switch
        {
            "1" => null,
            "0" => forced,
            _ => All(family),
        };
    }

    /// <summary>The setting for all interfaces is off.</summary>
    public static bool IsOffForAll(IPFamily family) => All(family).Value == "0";

    /// <summary>It is off for all interfaces and for each uplink: nothing is forwarded to endpoints.</summary>
    public static bool IsOffForNode(IPFamily family, IEnumerable<string> uplinks) => IsOffForAll(family) && uplinks.All(u => OffBy(family, u) is not null);

    /// <summary>The name by which administrators know the setting for all interfaces.</summary>
    public static string NameForAll(IPFamily family) => family == IPFamily.IPv4 ? "net.ipv4.ip_forward" : All(family).Name;

    private static DeviceSetting All(IPFamily family) => new(family, "all", "forwarding");
}
