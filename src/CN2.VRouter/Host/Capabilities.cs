using System.Globalization;

namespace CN2.VRouter.Host;

/// <summary>The capabilities of this process (linux/capability.h) in its user namespace.</summary>
internal static class Capabilities
{
    public const int NetworkAdministration = 12; // CAP_NET_ADMIN
    public const int SystemAdministration = 21; // CAP_SYS_ADMIN

    /// <summary>Whether the process has a capability; null: the kernel does not say. <paramref name="root"/>: the directory that holds <c>proc</c>.</summary>
    public static bool? Has(int capability, string root = "/")
    {
        var status = Path.Combine(root, "proc/self/status");
        var line = File.Exists(status) ? File.ReadLines(status).FirstOrDefault(l => l.StartsWith("CapEff:", StringComparison.Ordinal)) : null;
        return line is not null && ulong.TryParse(line.AsSpan(7).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var effective)
            ? (effective & (1UL << capability)) != 0
            : null;
    }
}
