using System.Net;
using CN2.VRouter.Overlay.Kernel;
using CN2.VRouter.Overlay.Model;

namespace CN2.VRouter.Tests.Overlay.Kernel;

public sealed class TunnelDeviceTests
{
    [Theory]
    [InlineData(true, "uac1b73f5")]
    [InlineData(false, "gac1b73f5")]
    public void The_name_holds_kind_and_next_hop(bool udp, string name)
    {
        var tunnel = TunnelDevice.Of(new ForwardingPath(0xac1b73f5, 299856, udp));
        Assert.Equal(name, tunnel.Name);
        Assert.Equal(tunnel, TunnelDevice.Parse(name));
        Assert.Contains(" local 172.27.115.242 remote 172.27.115.245 ", tunnel.Command(IPAddress.Parse("172.27.115.242")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("lo")]
    [InlineData("v5")]
    [InlineData("gre0")]
    [InlineData("u172.27.1")]
    [InlineData("x00000000")]
    public void The_name_of_another_device_is_no_tunnel(string name) => Assert.Null(TunnelDevice.Parse(name));

    [Theory]
    [InlineData(1, "1")]
    [InlineData(2, "3")]
    [InlineData(32, "ffffffff")]
    [InlineData(33, "1,ffffffff")]
    [InlineData(72, "ff,ffffffff,ffffffff")]
    public void The_processor_mask_has_the_form_of_sysfs(int count, string mask) => Assert.Equal(mask, KernelTunnels.Mask(count));

    [Theory]
    [InlineData("RTNETLINK answers: File exists\nCommand failed -:2\n", "ip refused `rule add iif v6`: RTNETLINK answers: File exists")]
    [InlineData("Cannot open network namespace \"x\": No such file or directory\n", "ip refused: Cannot open network namespace \"x\": No such file or directory")]
    public void The_command_that_ip_refuses_is_named(string errors, string expected) => Assert.Equal(expected, IpTool.Explain(["link set v5 up", "rule add iif v6"], errors));
}
