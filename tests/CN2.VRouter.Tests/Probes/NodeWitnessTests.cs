using System.Net;
using CN2.VRouter.Probes;

namespace CN2.VRouter.Tests.Probes;

/// <summary>Whether another node answers, on a wire of its own.</summary>
public sealed class NodeWitnessTests : IDisposable
{
    private static readonly IPAddress Node = IPAddress.Parse("172.31.9.2");
    private readonly NetworkNamespace _witness = new("witness");
    private readonly NetworkNamespace _node = new("node");

    public NodeWitnessTests()
    {
        _witness.Ip($"link add eth0 type veth peer name eth0 netns {_node.Name}\naddr add 172.31.9.1/24 dev eth0\nlink set eth0 up");
        _node.Ip($"addr add {Node}/24 dev eth0\nlink set eth0 up");
    }

    public void Dispose()
    {
        _witness.Dispose();
        _node.Dispose();
    }

    [Fact]
    public async Task A_node_that_answers_echo_requests_or_refuses_connections_is_reached_and_one_that_does_neither_is_not()
    {
        Assert.True(await ReachesAsync(seconds: 10));
        Drop("tcp dport 9 drop");
        Assert.True(await ReachesAsync(seconds: 10));
        Drop("icmp type echo-request drop");
        Assert.True(await ReachesAsync(seconds: 10));
        Drop("drop");
        Assert.False(await ReachesAsync(seconds: 0.5));
    }

    [Fact]
    public async Task A_node_whose_link_is_down_is_not_reached()
    {
        _node.Ip("link set eth0 down");
        Assert.False(await ReachesAsync(seconds: 0.5));
    }

    [Fact]
    public async Task A_witness_that_cannot_send_says_nothing()
    {
        _witness.Ip("route del 172.31.9.0/24");
        Assert.Null(await ReachesAsync(seconds: 0.5));
    }

    /// <summary>What the node drops from now on.</summary>
    private void Drop(string rule) =>
        _node.ExecWith($"table inet t\ndelete table inet t\ntable inet t {{ chain input {{ type filter hook input priority 0; {rule}; }}; }}\n", "nft", "-f", "-");

    private Task<bool?> ReachesAsync(double seconds) => _witness.RunAsync(() => NodeWitness.ReachesAsync(Node, TimeSpan.FromSeconds(seconds)));
}
