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
        Write("proc/sys/net/mpls/platform_labels", "0");
        Assert.Equal("this kernel has no fou, ip_gre", KernelMpls.Detect(_root.FullName).ToString());
        Write("sys/module/fou/refcnt", "0");
        Write("sys/module/ip_gre/refcnt", "0");
        Assert.True(KernelMpls.Detect(_root.FullName).Usable);
    }

    [Fact]
    public void What_the_kernel_was_built_with_is_seen()
    {
        Write("proc/sys/kernel/osrelease", "6.18.0-test\n");
        Write("lib/modules/6.18.0-test/modules.builtin", "kernel/net/ipv4/ip_gre.ko\nkernel/net/ipv4/fou.ko\n");
        Assert.Equal(new KernelMpls(false, true, true), KernelMpls.Detect(_root.FullName));
    }

    private void Write(string path, string text)
    {
        var file = new FileInfo(Path.Combine(_root.FullName, path));
        file.Directory!.Create();
        File.WriteAllText(file.FullName, text);
    }
}
