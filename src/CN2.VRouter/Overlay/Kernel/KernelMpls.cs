namespace CN2.VRouter.Overlay;

/// <summary>What this kernel could do of the overlay itself.</summary>
/// <param name="MplsRouter">MPLS forwarding (module mpls_router).</param>
/// <param name="Fou">Tunnels in UDP (module fou): MPLS-in-UDP.</param>
/// <param name="Gre">GRE tunnels (module ip_gre): MPLS-in-GRE.</param>
public sealed record KernelMpls(bool MplsRouter, bool Fou, bool Gre)
{
    /// <summary>Both encapsulations could stay in the kernel.</summary>
    public bool Usable => MplsRouter && Fou && Gre;

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
        return new KernelMpls(File.Exists(Path.Combine(root, "proc/sys/net/mpls/platform_labels")), Has("fou"), Has("ip_gre"));

        bool Has(string module) => Directory.Exists(Path.Combine(root, "sys/module", module)) || modules.Contains(module);
    }

    public override string ToString()
    {
        string[] missing = [.. MplsRouter ? [] : (string[])["mpls_router"], .. Fou ? [] : (string[])["fou"], .. Gre ? [] : (string[])["ip_gre"]];
        return missing.Length == 0 ? "this kernel can do MPLS itself" : $"this kernel has no {string.Join(", ", missing)}";
    }
}
