using System.Net;
using CN2.VRouter.Overlay.Kernel;

namespace CN2.VRouter.Tests.Overlay.Kernel;

public sealed class TunnelFilterTests
{
    [Theory]
    [InlineData]
    [InlineData(0xac100002u, 21u)]
    [InlineData(0xac100002u, 21u, 0xac100002u, 23u, 0xac100003u, 21u, 0xac100003u, 65551u)]
    public void Nft_accepts_the_table(params uint[] pairs)
    {
        var senders = pairs.Chunk(2).Select(p => new TunnelSender(p[0], p[1])).ToList();
        var text = TunnelFilter.Text("cn2_tunnels", IPAddress.Parse("172.16.0.1"), new TunnelAdmission([.. senders.Select(s => s.Label).Distinct()], senders));
        using var home = new NetworkNamespace("filter");
        home.ExecWith(text, "nft", "-f", "-");
        var listed = home.Exec("nft", "list", "table", "ip", "cn2_tunnels");
        Assert.Equal(senders.Count, listed.Split(" . ").Length - 1 - listed.Split("ip saddr . ").Length + 1);
        Assert.All(senders, s => Assert.Contains($"{TunnelDevice.Text(s.Address)} . 0x{s.Label << 4:x}-0x{(s.Label << 4) | 15:x}", listed, StringComparison.Ordinal));
        home.ExecWith(text, "nft", "-f", "-"); // the second time is no error
    }
}
