using CN2.VRouter.Host;

namespace CN2.VRouter.Overlay.Kernel;

/// <summary>Whether this kernel can carry the overlay, and this process tell it to.</summary>
/// <param name="Missing">Modules that are not there.</param>
/// <param name="MayMakeNamespaces">It has CAP_SYS_ADMIN, which making a network namespace needs.</param>
public sealed record KernelMpls(IReadOnlyList<string> Missing, bool MayMakeNamespaces)
{
    // Routes that push labels; MPLS in UDP (RFC 7510), MPLS in GRE (RFC 4023).
    private static readonly string[] Modules = ["mpls_iptunnel", "ipip", "fou", "ip_gre"];

    /// <summary>Both encapsulations can stay in the kernel.</summary>
    public bool Usable => Missing.Count == 0 && MayMakeNamespaces;

    /// <summary>
    /// Looks, and attempts nothing: mpls_router shows in this network namespace's sysctls, the others as loaded modules or in the list
    /// of what the kernel was built with. One that is installed but not loaded counts as absent; loading it is the operator's choice.
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
