using CN2.Api.Data.Documents;
using CN2.Api.Drivers;
using CN2.Network.Status;

namespace CN2.Api.Reconcile;

/// <summary>Makes the condition <c>Forwarding</c> of a VirtualRouter from what its agent found on the node. Pure.</summary>
internal static class ForwardingJudgement
{
    /// <param name="faults">Empty: nothing stops traffic. Null: the agent does not look.</param>
    public static NodeForwarding Of(IReadOnlyList<VRouterNodeFault>? faults)
    {
        if (faults is null) return NodeForwarding.NotReported;
        if (faults.Count == 0) return new NodeForwarding(ConditionStatus.True, "Forwards", "Nothing that was found on the node stops its traffic.");
        // What is certain comes first: it gives the reason.
        var ordered = faults.OrderBy(f => f.Suspicion).ToList();
        var status = ordered[0].Suspicion ? ConditionStatus.Unknown : ConditionStatus.False;
        return new NodeForwarding(status, ordered[0].Reason, string.Join(" ", ordered.Select(f => f.Message.TrimEnd('.') + ".")),
            faults.Where(f => !f.Suspicion).Aggregate(TrafficKinds.None, (all, f) => all | f.Traffic));
    }
}
