using System.ComponentModel;
using System.Text.Json;
using CN2.Network.Addressing;
using CN2.Network.Status;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Host;

namespace CN2.VRouter.Inspection;

/// <summary>
/// Looks for chains of other firewalls on the node that drop what the node forwards. It only reads: chains at a hook by netlink, the rules of those
/// that may drop by <c>nft</c>, and the tables of the iptables that came before nftables (<see cref="LegacyTables"/>).
/// </summary>
/// <param name="table">The agent's own table, which is passed over.</param>
internal sealed class ForeignRules(string table)
{
    /// <summary>Chains of one table that are read in order to judge a base chain. What lies beyond is unknown, and so may accept.</summary>
    private const int MostChains = 64;

    /// <summary>The priority at which the agent translates (NF_IP_PRI_NAT_DST).</summary>
    private const int Translation = -100;

    /// <param name="ipv6">The node has an IPv6 address for endpoints.</param>
    /// <param name="tunnels">The node has RoutingInstances: then packets to the node itself count too.</param>
    /// <exception cref="Win32Exception">The kernel does not answer.</exception>
    public async Task<IReadOnlyList<NodeFault>> ReadAsync(bool ipv6, bool tunnels)
    {
        var faults = new List<NodeFault>();
        var legacy = LegacyTables.Read(ipv6);
        foreach (var chain in BaseChains.Read().Where(c => Concerns(c, tunnels)))
        {
            foreach (var family in FamiliesOf(chain, ipv6))
            {
                if (Fault(await JudgeAsync(chain, family), chain.ToString(), chain.Hook, family) is { } fault) faults.Add(fault);
            }
        }

        faults.AddRange(legacy.Select(l => Fault(l.Passage, l.Name, NetfilterHook.Forward, l.Family)).OfType<NodeFault>());
        return faults;
    }

    /// <summary>A chain of the type nat sees only the first packet of a flow and is there to translate.</summary>
    private bool Concerns(BaseChain chain, bool tunnels) =>
        chain.Type is "filter" or "route" && !(chain.Table == table && chain.Family is "ip" or "ip6")
        && (chain.Hook is NetfilterHook.Prerouting or NetfilterHook.Forward or NetfilterHook.Postrouting || (tunnels && chain.Hook == NetfilterHook.Input && chain.Family != "ip6"));

    private static IEnumerable<IPFamily> FamiliesOf(BaseChain chain, bool ipv6)
    {
        if (chain.Family != "ip6") yield return IPFamily.IPv4;
        if (ipv6 && chain.Family != "ip" && chain.Hook != NetfilterHook.Input) yield return IPFamily.IPv6;
    }

    private static async Task<Passage> JudgeAsync(BaseChain chain, IPFamily family)
    {
        var isTranslated = chain.Hook is NetfilterHook.Forward or NetfilterHook.Postrouting || chain.Priority > Translation;
        var chains = new Dictionary<string, IReadOnlyList<FilterRule>?>();
        var waiting = new Queue<string>([chain.Name]);
        while (waiting.TryDequeue(out var name) && chains.Count < MostChains)
        {
            if (!chains.TryAdd(name, null)) continue;
            if (await RulesAsync(chain, name, family, isTranslated) is not { } rules) continue;
            chains[name] = rules;
            foreach (var rule in rules)
                if (rule is { Match: not RuleMatch.Never, Target: { } target }) waiting.Enqueue(target);
        }

        return chains[chain.Name] is { } own
            ? ChainJudgement.Of(own, chain.Drops, chains.GetValueOrDefault)
            : chain.Drops ? Passage.MayDrop : Passage.Passes;
    }

    /// <summary>Null: nft does not list it (it went just now, or its name is a keyword of nft).</summary>
    private static async Task<IReadOnlyList<FilterRule>?> RulesAsync(BaseChain chain, string name, IPFamily family, bool isTranslated)
    {
        try
        {
            var (exitCode, listing, _) = await ToolProcess.RunAsync("nft", "install nftables 1.0.6 or newer", null, null, "-j", "-t", "list", "chain", chain.Family, chain.Table, name);
            return exitCode == 0 ? NftRuleReader.Read(listing, family, isTranslated) : null;
        }
        catch (Exception e) when (e is DataplaneException or TimeoutException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    private static NodeFault? Fault(Passage passage, string chain, NetfilterHook hook, IPFamily family)
    {
        var (what, traffic) = hook == NetfilterHook.Input ? ("packets out of VPNs", TrafficKinds.Vpn) : ($"{family} to endpoints", family.Traffic());
        return passage switch
        {
            Passage.Drops => new(NodeFaultReason.ForeignChainDrops, $"{chain} drops {what}; add a rule to it that accepts them, or remove it", traffic),
            Passage.MayDrop => new(
                NodeFaultReason.ForeignChainMayDrop, $"{chain} drops what its rules do not accept, and whether they accept {what} cannot be told; see that they do", traffic, Stops: false),
            _ => null,
        };
    }
}
