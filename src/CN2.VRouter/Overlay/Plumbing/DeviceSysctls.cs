using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Overlay.Plumbing;

/// <summary>
/// The sysctls of a RoutingInstance's device, of no other. Written in the network namespace of the calling thread.
/// </summary>
internal static class DeviceSysctls
{
    public static bool HasIPv6 => Directory.Exists("/proc/sys/net/ipv6");

    /// <summary>Before it is up, so that it never gets an address of its own and never speaks to neighbours it has not.</summary>
    public static void BeforeUp(string device)
    {
        // Strict reverse path filtering looks up a client's address where the mark leads (src_valid_mark), should "all" demand it.
        Write("ipv4", device, "rp_filter", "0");
        Write("ipv4", device, "src_valid_mark", "1");
        Write("ipv4", device, "forwarding", "1");
        if (!HasIPv6) return;
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
