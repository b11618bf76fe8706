namespace CN2.VRouter.Inspection;

/// <summary>Whether a rule of a foreign firewall matches the first packet of a flow to an endpoint.</summary>
internal enum RuleMatch
{
    Never,

    /// <summary>It depends on what is not known here: addresses, ports, interfaces, marks.</summary>
    Maybe,
    Always,
}

internal enum RuleVerdict
{
    /// <summary>The rule decides nothing: it counts, logs or marks.</summary>
    None,
    Accept,

    /// <summary>Drop or reject.</summary>
    Drop,
    Return,
    Jump,
    Goto,

    /// <summary>It may decide anything: a map of verdicts, or a queue to a program.</summary>
    Unknown,
}

/// <param name="Target">The chain of a jump or goto.</param>
internal readonly record struct FilterRule(RuleMatch Match, RuleVerdict Verdict, string? Target = null);
