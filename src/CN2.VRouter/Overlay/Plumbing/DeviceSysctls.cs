using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Overlay.Plumbing;

/// <summary>
/// The sysctls of a RoutingInstance's device. Written in the network namespace of the calling thread.
/// </summary>
internal static class DeviceSysctls
{
    public static bool HasIPv6 => Directory.Exists("/proc/sys/net/ipv6");

    /// <summary>Must be set before the device is up: it then gets no address of its own and sends no neighbour discovery.</summary>
    public static void BeforeUp(string device)
    {
        // If "all" demands strict reverse path filtering, src_valid_mark makes it look up a client's address in the table of the mark.
        Write("ipv4", device, "rp_filter", "0");
        Write("ipv4", device, "src_valid_mark", "1");
        Write("ipv4", device, "forwarding", "1");
        // A device whose MTU is below 1280 has no IPv6.
        if (!Directory.Exists($"/proc/sys/net/ipv6/conf/{device}")) return;
        Write("ipv6", device, "addr_gen_mode", "1");
        Write("ipv6", device, "disable_ipv6", "0");
        Write("ipv6", device, "forwarding", "1");
    }

    private static void Write(string family, string device, string name, string value)
    {
        var path = $"/proc/sys/net/{family}/conf/{device}/{name}";
        try
        {
            if (File.ReadAllText(path).AsSpan().Trim().SequenceEqual(value)) return;
            File.WriteAllText(path, value);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataplaneException($"{path} could not be set to {value}: {e.Message}", e);
        }
    }
}
