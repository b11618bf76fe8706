using System.Net;
using System.Net.Sockets;
using CN2.Network.Status;
using CN2.VRouter.Inspection;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests.Inspection;

/// <summary>Which settings turn forwarding off, judged in a real kernel: the node's address is on fabric0, the clients are behind client0, an uplink too.</summary>
public sealed class ForwardingSettingsTests : IClassFixture<NodeLab>, IDisposable
{
    private readonly NodeLab _lab;
    private readonly NodeUplinks _uplinks = new([IPAddress.Parse(NodeLab.NodeAddress), IPAddress.Parse(NodeLab.NodeAddress6)]);
    private readonly List<string> _changed = [];

    public ForwardingSettingsTests(NodeLab lab)
    {
        _lab = lab;
        lab.Node.Run(_uplinks.Refresh);
    }

    public void Dispose()
    {
        // A setting for all interfaces sets each of them.
        foreach (var (path, value) in _changed.Select(p => (p, p.EndsWith("force_forwarding", StringComparison.Ordinal) ? "0" : "1")).OrderBy(s => s.p.Contains("conf", StringComparison.Ordinal)))
            _lab.Node.Sysctl(path, value);
    }

    [Theory]
    [InlineData("", "", "")]
    [InlineData("ipv4/ip_forward=0", "net.ipv4.ip_forward is 0", "4")]
    [InlineData("ipv4/conf/client0/forwarding=0", "net.ipv4.conf.client0.forwarding is 0", "4?")]
    [InlineData("ipv4/conf/fabric0/forwarding=0", "net.ipv4.conf.fabric0.forwarding is 0", "")]
    [InlineData("ipv4/conf/client0/forwarding=0 ipv4/conf/fabric0/forwarding=0", "net.ipv4.conf.client0.forwarding is 0|net.ipv4.conf.fabric0.forwarding is 0", "4")]
    [InlineData("ipv4/ip_forward=0 ipv4/conf/client0/forwarding=1 ipv4/conf/pod1/forwarding=1", "net.ipv4.conf.fabric0.forwarding is 0", "")]
    [InlineData("ipv6/conf/all/forwarding=0", "net.ipv6.conf.all.forwarding is 0", "6")]
    [InlineData("ipv6/conf/client0/forwarding=0 ipv6/conf/fabric0/forwarding=0", "", "")] // about router advertisements
    public async Task What_turns_forwarding_off_is_named(string settings, string names, string stopped)
    {
        Set(settings);
        var faults = Faults();
        Assert.Equal(names.Length == 0 ? [] : names.Split('|'), faults.Select(f => f.Message.Split(':')[0]));
        Assert.All(faults, f => Assert.Equal((NodeFaultReason.ForwardingOff, f.Message.Contains("net.ipv4", StringComparison.Ordinal) ? TrafficKinds.IPv4 : TrafficKinds.IPv6), (f.Reason, f.Traffic)));
        // By client0 clients may come or not: another uplink has the node's address.
        Assert.Equal(stopped != "4?", faults.All(f => f.Stops));
        Assert.Equal(!stopped.StartsWith('4'), await ReachesAsync(NodeLab.Pod1));
        Assert.Equal(stopped != "6", await ReachesAsync(NodeLab.Pod1v6));
    }

    /// <summary>Linux 6.17 and newer have it.</summary>
    [Fact]
    public async Task With_IPv6_off_for_all_an_interface_may_forward_of_its_own()
    {
        var known = _lab.Node.Run(() => File.Exists("/proc/sys/net/ipv6/conf/client0/force_forwarding"));
        Set("ipv6/conf/all/forwarding=0");
        Assert.Equal(["net.ipv6.conf.all.forwarding is 0"], Faults().Select(f => f.Message.Split(':')[0]));
        Assert.False(await ReachesAsync(NodeLab.Pod1v6));
        if (!known) return;
        Set("ipv6/conf/client0/force_forwarding=1 ipv6/conf/pod1/force_forwarding=1");
        Assert.Equal(["net.ipv6.conf.fabric0.force_forwarding is 0"], Faults().Select(f => f.Message.Split(':')[0]));
        Assert.True(await ReachesAsync(NodeLab.Pod1v6));
        Set("ipv6/conf/fabric0/force_forwarding=1 ipv6/conf/pod1/force_forwarding=0");
        Assert.Empty(Faults());
        Assert.Equal(("net.ipv6.conf.pod1.force_forwarding is 0", true), Named(await OfEndpointsAsync(NodeLab.Pod1v6)));
        Assert.False(await ReachesAsync(NodeLab.Pod1v6));
    }

    [Fact]
    public async Task An_interface_that_leads_to_an_endpoint_is_named_when_the_answers_that_come_in_by_it_are_not_forwarded()
    {
        Assert.Null(await OfEndpointsAsync(NodeLab.Pod1, NodeLab.Pod2, NodeLab.Pod1v6));
        Set("ipv4/conf/pod1/forwarding=0");
        Assert.Empty(Faults());
        Assert.False(await ReachesAsync(NodeLab.Pod1));
        Assert.True(await ReachesAsync(NodeLab.Pod2));
        Assert.Equal(("net.ipv4.conf.pod1.forwarding is 0", true), Named(await OfEndpointsAsync(NodeLab.Pod1)));
        Assert.Equal(("net.ipv4.conf.pod1.forwarding is 0", false), Named(await OfEndpointsAsync(NodeLab.Pod1, NodeLab.Pod2, NodeLab.Pod1v6)));
        Assert.Null(await OfEndpointsAsync(NodeLab.Pod2, NodeLab.Pod1v6));
        Assert.Null(await OfEndpointsAsync());
        Assert.Null(await OfEndpointsAsync("198.51.100.9")); // behind the default route, by an uplink
        Set("ipv4/conf/pod2/forwarding=0");
        Assert.Equal(("net.ipv4.conf.pod1.forwarding, net.ipv4.conf.pod2.forwarding are 0", true), Named(await OfEndpointsAsync(NodeLab.Pod1, NodeLab.Pod2)));
        Set("ipv4/ip_forward=0");
        Assert.Null(await OfEndpointsAsync(NodeLab.Pod1)); // it is said of all
    }

    private static (string Names, bool Stops) Named(NodeFault? fault) => (fault!.Message.Split(':')[0], fault.Stops);

    private void Set(string settings)
    {
        foreach (var setting in settings.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var (path, value) = ("net/" + setting.Split('=')[0], setting.Split('=')[1]);
            _changed.Add(path);
            _lab.Node.Sysctl(path, value);
        }
    }

    private List<NodeFault> Faults() => _lab.Node.Run(() => new ForwardingSettings(_uplinks).Faults(tunnels: false).ToList());

    private async Task<NodeFault?> OfEndpointsAsync(params string[] endpoints) =>
        (await _lab.Node.RunAsync(() => new EndpointForwarding(_uplinks, () => Task.FromResult<IReadOnlyList<IPAddress>>([.. endpoints.Select(IPAddress.Parse)])).ReadAsync())).SingleOrDefault();

    private async Task<bool> ReachesAsync(string pod) => await EchoClient.OnceAsync(_lab.ClientHost, ProtocolType.Tcp, pod, 80) is not null;
}
