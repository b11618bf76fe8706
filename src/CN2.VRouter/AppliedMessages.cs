using CN2.VRouter.Dataplane;
using CN2.VRouter.V1;

namespace CN2.VRouter;

/// <summary>The answer to a revision. Pure.</summary>
internal static class AppliedMessages
{
    private const int MaximumReason = 300;

    /// <param name="faults">Items that the agent leaves out.</param>
    /// <param name="refused">Items that the kernel refuses.</param>
    /// <param name="takesRefusals">
    /// The server understands <see cref="Applied.Refused"/>. One that does not must not take the revision as a whole one, so it is told that
    /// none of it counts. The same when there are more refused items than an answer may hold.
    /// </param>
    public static Applied Of(ulong revision, IReadOnlyDictionary<ItemKey, string> faults, IReadOnlyCollection<DataplaneRefusal> refused, bool takesRefusals)
    {
        var applied = new Applied { Revision = revision };
        var count = faults.Count + refused.Count;
        if (count == 0) return applied;
        if (!takesRefusals || count > RefusalProtocol.MaximumRefusals)
        {
            applied.Error = Summary(faults, refused)!;
            return applied;
        }

        applied.Refused.AddRange(faults.Select(f => new Refusal { Item = f.Key, Reason = Cut(f.Value) }));
        applied.Refused.AddRange(refused.Select(r => new Refusal { Item = WireMapping.Item(r.Item), Reason = Cut(r.Reason) }));
        return applied;
    }

    /// <summary>One sentence about all that is refused; null: nothing is.</summary>
    public static string? Summary(IReadOnlyDictionary<ItemKey, string> faults, IReadOnlyCollection<DataplaneRefusal> refused)
    {
        var count = faults.Count + refused.Count;
        if (count == 0) return null;
        var first = faults.Count > 0 ? faults.Values.First() : refused.First().Reason;
        return count == 1 ? first : $"{first} (and {count - 1} more)";
    }

    private static string Cut(string reason) => reason.Length <= MaximumReason ? reason : reason[..(MaximumReason - 1)] + "…";
}
