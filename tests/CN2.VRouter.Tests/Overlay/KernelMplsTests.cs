using CN2.VRouter.Overlay;

namespace CN2.VRouter.Tests.Overlay;

public sealed class KernelMplsTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("cn2-kernel");

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public void What_is_loaded_is_seen()
    {
        Assert.Equal(new KernelMpls(false, false, false), KernelMpls.Detect(_root.FullName));
        Directory.CreateDirectory(Path.Combine(_root.FullName, "proc/sys/net/mpls"));
        File.WriteAllText(Path.Combine(_root.FullName, "proc/sys/net/mpls/platform_labels"), "0");
        Assert.Equal("this kernel has no fou, ip_gre", KernelMpls.Detect(_root.FullName).ToString());
        Directory.CreateDirectory(Path.Combine(_root.FullName, "sys/module/fou"));
        Directory.CreateDirectory(Path.Combine(_root.FullName, "sys/module/ip_gre"));
        Assert.True(KernelMpls.Detect(_root.FullName).Usable);
    }
}
