namespace CN2.Api.Tests.Drivers.GoBgp.Lab;

public sealed class BgpLabTests : IDisposable
{
    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public void A_router_that_is_plugged_in_later_leaves_the_control_node_its_address()
    {
        _lab.AddHost("first", 244);
        var before = Address();
        BgpLab.Ip(_lab.Control, "link", "add", "lowest", "address", "02:00:00:00:00:01", "type", "veth", "peer", "name", "other");
        BgpLab.Ip(_lab.Control, "link", "set", "lowest", "master", "br0", "up");
        Assert.Equal(before, Address());
    }

    private string Address() => BgpLab.Ip(_lab.Control, "-brief", "link", "show", "br0").Split(' ', StringSplitOptions.RemoveEmptyEntries)[2];
}
