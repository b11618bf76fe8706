using CN2.VRouter.Overlay.Kernel;

namespace CN2.VRouter.Tests.Overlay;

public sealed class KernelMplsTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("cn2-kernel");

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public void Loaded_modules_are_detected()
    {
        Assert.Equal("this kernel has no mpls_router, mpls_iptunnel, ipip, fou, ip_gre", Detected());
        Write("proc/sys/net/mpls/platform_labels", "0");
        Assert.Equal("this kernel has no mpls_iptunnel, ipip, fou, ip_gre", Detected());
        foreach (var module in (string[])["mpls_iptunnel", "ipip", "fou", "ip_gre"]) Write($"sys/module/{module}/refcnt", "0");
        Assert.Equal(("the agent has no CAP_SYS_ADMIN", false), (Detected(), KernelMpls.Detect(_root.FullName).Usable));
        Write("proc/self/status", "Name:\tcn2-vrouter\nCapEff:\t0000000000201000\n");
        Assert.True(KernelMpls.Detect(_root.FullName).Usable);
    }

    [Fact]
    public void Built_in_modules_are_detected()
    {
        Write("proc/sys/kernel/osrelease", "6.18.0-test\n");
        Write("lib/modules/6.18.0-test/modules.builtin", "kernel/net/ipv4/ip_gre.ko\nkernel/net/ipv4/fou.ko\n");
        Assert.Equal("this kernel has no mpls_router, mpls_iptunnel, ipip", Detected());
    }

    private string Detected() => KernelMpls.Detect(_root.FullName).ToString();

    private void Write(string path, string text)
    {
        var file = new FileInfo(Path.Combine(_root.FullName, path));
        file.Directory!.Create();
        File.WriteAllText(file.FullName, text);
    }
}
