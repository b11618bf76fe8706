namespace CN2.VRouter.Inspection;

/// <summary>What a chain does to the first packet of a flow to an endpoint, as far as it can be told.</summary>
internal enum Passage
{
    Passes,

    /// <summary>What no rule accepts is dropped, and whether a rule accepts it depends on what is not known here.</summary>
    MayDrop,

    /// <summary>Whatever the packet is, no rule accepts it, and the chain drops it.</summary>
    Drops,
}

/// <summary>
/// Judges a base chain of a foreign firewall. Pure. Only its default counts: its policy, or a rule without a condition that drops or rejects. Rules
/// with conditions that drop are what firewalls are for. When a rule with a condition that cannot be judged accepts, the answer is
/// <see cref="Passage.MayDrop"/>: it is better to name a suspicion than to call a working node broken.
/// </summary>
internal sealed class ChainJudgement
{
    /// <summary>The kernel's own limit of nested jumps (NFT_JUMP_STACK_SIZE).</summary>
    private const int DeepestJump = 16;

    private readonly Func<string, IReadOnlyList<FilterRule>?> _chain;
    private readonly Dictionary<string, Ways> _judged = [];

    private ChainJudgement(Func<string, IReadOnlyList<FilterRule>?> chain) => _chain = chain;

    [Flags]
    private enum Ways
    {
        None = 0,
        Accepted = 1,

        /// <summary>What was not accepted before is dropped.</summary>
        Dropped = 2,

        /// <summary>The end is reached, so the caller goes on.</summary>
        Through = 4,
    }

    /// <param name="rules">Of the base chain.</param>
    /// <param name="policyDrops">What happens at its end.</param>
    /// <param name="chain">The rules of another chain of the table; null: they are not known.</param>
    public static Passage Of(IReadOnlyList<FilterRule> rules, bool policyDrops, Func<string, IReadOnlyList<FilterRule>?> chain)
    {
        var ways = new ChainJudgement(chain).WaysOf(rules, DeepestJump);
        if (ways.HasFlag(Ways.Through)) ways |= policyDrops ? Ways.Dropped : Ways.Accepted;
        if (!ways.HasFlag(Ways.Dropped)) return Passage.Passes;
        return ways.HasFlag(Ways.Accepted) ? Passage.MayDrop : Passage.Drops;
    }

    private Ways WaysOf(IReadOnlyList<FilterRule> rules, int depth)
    {
        var ways = Ways.None;
        foreach (var rule in rules)
        {
            if (rule.Match == RuleMatch.Never) continue;
            var taken = rule.Verdict switch
            {
                RuleVerdict.Accept => Ways.Accepted,
                RuleVerdict.Drop => Ways.Dropped,
                RuleVerdict.Return => Ways.Through,
                RuleVerdict.Jump or RuleVerdict.Goto => WaysOf(rule.Target!, depth - 1),
                RuleVerdict.Unknown => Ways.Accepted | Ways.Through,
                _ => Ways.Through,
            };
            if (rule.Match == RuleMatch.Maybe)
            {
                ways |= taken & Ways.Accepted;
                if (rule.Verdict is RuleVerdict.Return or RuleVerdict.Goto) ways |= taken & Ways.Through;
                continue;
            }

            ways |= taken & ~Ways.Through;
            if (rule.Verdict is RuleVerdict.Return or RuleVerdict.Goto) return ways | (taken & Ways.Through);
            if (!taken.HasFlag(Ways.Through)) return ways;
        }

        return ways | Ways.Through;
    }

    private Ways WaysOf(string chain, int depth)
    {
        if (_judged.TryGetValue(chain, out var known)) return known;
        if (depth <= 0 || _chain(chain) is not { } rules) return Ways.Accepted | Ways.Through;
        return _judged[chain] = WaysOf(rules, depth);
    }
}
