using CN2.VRouter.Overlay.Kernel;

namespace CN2.VRouter.Tests.Overlay.Kernel;

/// <summary>ip goes on after a refused line, and each refusal is told by its line.</summary>
public sealed class IpToolTests
{
    [Fact]
    public async Task Every_refused_line_is_named_and_the_others_are_done()
    {
        using var node = new NetworkNamespace("iptool");
        string[] lines = ["link add d1 type bridge", "route add 10.0.0.0/8 dev nosuch", "link add d2 type bridge", "link set nosuch up"];
        var refused = await IpTool.TryAsync(["-n", node.Name], lines);
        Assert.Equal([1, 3], refused.Keys.Order());
        Assert.StartsWith("ip refused `route add 10.0.0.0/8 dev nosuch`: Cannot find device", refused[1], StringComparison.Ordinal);
        Assert.Contains("d2", node.Exec("ip", "link", "show"), StringComparison.Ordinal);
        Assert.Empty(await IpTool.TryAsync(["-n", node.Name], []));
    }
}
