using CN2.VRouter.Inspection;

namespace CN2.VRouter.Tests.Inspection;

/// <summary>What firewalls as they are found on nodes do to forwarded traffic, judged in a real kernel.</summary>
public sealed class ForeignRulesTests : IDisposable
{
    private readonly NetworkNamespace _node = new("firewall");

    public void Dispose() => _node.Dispose();

    [Theory]
    [InlineData("table inet fw { chain f { type filter hook forward priority 0; policy drop; }; }", "chain f of table inet fw (hook forward, priority 0, policy drop)", 2)]
    [InlineData("table ip fw { chain f { type filter hook forward priority 300; policy accept; counter; reject; }; }", "chain f of table ip fw (hook forward, priority 300, policy accept)", 1)]
    [InlineData("table ip6 fw { chain f { type filter hook forward priority -200; policy drop; ct state established,related accept; }; }", "chain f of table ip6 fw", 1)]
    [InlineData("table ip fw { chain f { type filter hook prerouting priority -150; policy accept; iifname \"lo\" accept; drop; }; }", "chain f of table ip fw (hook prerouting", 1)]
    [InlineData("table ip fw { chain f { type filter hook postrouting priority 0; policy drop; ct state vmap { established : accept, invalid : drop }; }; }", "hook postrouting", 1)]
    [InlineData("table inet fw { chain deny { log; drop; }; chain f { type filter hook forward priority 0; policy accept; meta nfproto ipv6 accept; jump deny; }; }", "chain f of table inet fw", 1)]
    [InlineData("table ip fw { chain more { tcp dport 22 drop; return; }; chain f { type filter hook forward priority 0; policy drop; jump more; ct state invalid accept; }; }", "chain f of table ip fw", 1)]
    public async Task A_chain_that_accepts_nothing_is_named(string ruleset, string name, int families)
    {
        var faults = await ReadAsync(ruleset);
        Assert.Equal(families, faults.Count);
        Assert.All(faults, f => Assert.Equal((NodeFaultReason.ForeignChainDrops, true), (f.Reason, f.Stops)));
        Assert.Contains(name, faults[0].Message, StringComparison.Ordinal);
    }

    [Theory]
    // A CNI's rules in a chain with policy drop.
    [InlineData("table ip fw { chain f { type filter hook forward priority 0; policy drop; ip saddr 10.244.0.0/16 accept; ip daddr 10.244.0.0/16 accept; }; }")]
    [InlineData("table ip fw { chain f { type filter hook forward priority 0; policy drop; oifname \"docker0\" accept; }; }")]
    [InlineData("table ip fw { chain zone { meta mark 7 accept; }; chain f { type filter hook forward priority 0; policy accept; jump zone; drop; }; }")]
    [InlineData("table ip fw { chain f { type filter hook forward priority 0; policy drop; tcp dport vmap { 80 : accept }; }; }")]
    [InlineData("table ip fw { chain f { type filter hook forward priority 0; policy drop; limit rate 1/second accept; }; }")]
    public async Task A_chain_whose_conditions_are_not_known_is_a_suspicion(string ruleset)
    {
        var fault = Assert.Single(await ReadAsync(ruleset));
        Assert.Equal((NodeFaultReason.ForeignChainMayDrop, false), (fault.Reason, fault.Stops));
        Assert.Contains("chain f of table ip fw", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("table ip fw { chain f { type filter hook forward priority 0; policy accept; tcp dport 25 drop; ct state invalid drop; }; }")]
    [InlineData("table ip fw { chain f { type filter hook input priority 0; policy drop; tcp dport 22 accept; }; }")] // what is for the node itself
    [InlineData("table ip fw { chain f { type filter hook output priority 0; policy drop; }; }")]
    [InlineData("table inet fw { chain f { type filter hook forward priority 10; policy drop; ct state established accept; ct status dnat accept; reject; }; }")] // firewalld
    [InlineData("table ip fw { chain f { type nat hook prerouting priority -100; policy accept; }; }")]
    [InlineData("table ip cn2 { chain f { type filter hook forward priority 0; policy drop; }; }")] // the agent's own
    [InlineData("table ip fw { chain f { type filter hook forward priority 0; policy drop; ct state new accept; }; }")]
    [InlineData("table bridge fw { chain f { type filter hook forward priority 0; policy drop; }; }")]
    public async Task A_chain_that_lets_the_traffic_pass_is_not_named(string ruleset) => Assert.Empty(await ReadAsync(ruleset));

    [Theory]
    [InlineData("iptables-nft", "chain FORWARD of table ip filter (hook forward, priority 0, policy drop)")]
    [InlineData("iptables-legacy", "chain FORWARD of the iptables-legacy table filter (policy DROP)")]
    [InlineData("ip6tables-legacy", "chain FORWARD of the ip6tables-legacy table filter (policy DROP)")]
    public async Task The_FORWARD_policy_of_iptables_is_found(string tool, string name)
    {
        _node.Exec(tool, "-P", "FORWARD", "DROP");
        var fault = Assert.Single(await ReadAsync(""));
        Assert.True(fault.Stops);
        Assert.Contains(name, fault.Message, StringComparison.Ordinal);

        // As Docker has it: only its own bridge is accepted, and whether an endpoint is behind it is not known.
        _node.Exec(tool, "-N", "DOCKER-USER");
        _node.Exec(tool, "-A", "DOCKER-USER", "-j", "RETURN");
        _node.Exec(tool, "-A", "FORWARD", "-j", "DOCKER-USER");
        _node.Exec(tool, "-A", "FORWARD", "-i", "docker0", "!", "-o", "docker0", "-j", "ACCEPT");
        Assert.False(Assert.Single(await ReadAsync("")).Stops);

        _node.Exec(tool, "-I", "DOCKER-USER", "-j", "ACCEPT");
        Assert.Empty(await ReadAsync(""));
    }

    [Fact]
    public async Task With_tunnels_the_firewall_of_the_node_itself_counts_too()
    {
        Load("table inet fw { chain i { type filter hook input priority 0; policy drop; tcp dport { 22, 179 } accept; ct state established accept; }; }");
        Assert.False(Assert.Single(await _node.RunAsync(() => new ForeignRules("cn2").ReadAsync(ipv6: true, tunnels: true))).Stops);
    }

    [Fact]
    public async Task Tables_of_iptables_legacy_are_not_made_by_looking()
    {
        await ReadAsync("");
        Assert.Empty(_node.Exec("cat", "/proc/net/ip_tables_names"));
        Assert.Empty(_node.Exec("cat", "/proc/net/ip6_tables_names"));
    }

    private Task<IReadOnlyList<NodeFault>> ReadAsync(string ruleset)
    {
        Load(ruleset);
        return _node.RunAsync(() => new ForeignRules("cn2").ReadAsync(ipv6: true, tunnels: false));
    }

    private void Load(string ruleset) => _node.ExecWith(ruleset, "nft", "-f", "-");
}
