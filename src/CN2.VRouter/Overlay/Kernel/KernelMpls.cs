using CN2.VRouter.Host;

namespace CN2.VRouter.Overlay.Kernel;

/// <summary>Whether this kernel supports MPLS tunnels, and this process may set them up.</summary>
/// <param name="Missing">Kernel modules that are missing.</param>
/// <param name="MayMakeNamespaces">The process has CAP_SYS_ADMIN, which is needed to make a network namespace.</param>
public sealed record KernelMpls(IReadOnlyList<string> Missing, bool MayMakeNamespaces)
{
    // Routes that push labels; MPLS in UDP (RFC 7510), MPLS in GRE (RFC 4023).
    private static readonly string[] Modules = ["mpls_iptunnel", "ipip", "fou", "ip_gre"];

    /// <summary>The kernel can do both encapsulations.</summary>
    public bool Usable => Missing.Count == 0 && MayMakeNamespaces;

    /// <summary>
    /// Only looks: mpls_router shows in the sysctls of this network namespace, the others are loaded modules or in the list of what the kernel
    /// was built with. A module that is installed but not loaded counts as missing; to load it is the operator's choice.
    /// </summary>
    public static KernelMpls Detect() => Detect("/");

    internal static KernelMpls Detect(string root)
    {
        var release = Path.Combine(root, "proc/sys/kernel/osrelease");
        var builtIn = File.Exists(release) ? Path.Combine(root, "lib/modules", File.ReadAllText(release).Trim(), "modules.builtin") : "";
        string[] modules = File.Exists(builtIn) ? [.. File.ReadLines(builtIn).Select(Path.GetFileNameWithoutExtension).OfType<string>()] : [];
        var missing = Modules.Where(m => !Directory.Exists(Path.Combine(root, "sys/module", m)) && !modules.Contains(m));
        return new KernelMpls(
            [.. File.Exists(Path.Combine(root, "proc/sys/net/mpls/platform_labels")) ? [] : (string[])["mpls_router"], .. missing],
            Capabilities.Has(Capabilities.SystemAdministration, root) == true);
    }

    public override string ToString() =>
        Missing.Count > 0 ? $"this kernel has no {string.Join(", ", Missing)}" : MayMakeNamespaces ? "this kernel can do MPLS itself" : "the agent has no CAP_SYS_ADMIN";
}
