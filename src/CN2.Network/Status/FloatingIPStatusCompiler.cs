using CN2.Network.Collections;
using CN2.Network.Resources;

namespace CN2.Network.Status;

/// <summary>The state and conditions of a FloatingIP. A FloatingIP has its address from its creation, so it is never Pending.</summary>
public static class FloatingIPStatusCompiler
{
    public static StatusResult Compile(FloatingIPFacts facts)
    {
        var allocated = ServingConditions.True(facts, ConditionType.Allocated, ConditionReason.Allocated, "The address is held.");
        if (!facts.Attached && !facts.Deleting)
        {
            const string Message = "The address is reserved and leads nowhere yet; attach it to interfaces, or name it in a Service's loadBalancerIPs.";
            return new StatusResult(ResourceState.Success, EquatableList.Create<Condition>([
                allocated,
                ServingConditions.True(facts, ConditionType.Programmed, ConditionReason.NotAttached, "There are no entries to program."),
                ServingConditions.False(facts, ConditionType.Advertised, ConditionReason.NotAttached, Message),
                ServingConditions.False(facts, ConditionType.Ready, ConditionReason.NotAttached, Message)]));
        }

        var programmed = ServingConditions.Programmed(facts);
        var advertised = facts.Kind == FloatingIPKind.ClusterIP
            ? ServingConditions.True(facts, ConditionType.Advertised, ConditionReason.NotApplicable, "A cluster IP is reached through the vRouters and never advertised.")
            : ServingConditions.Advertised(facts);
        var ready = ServingConditions.Ready(
            facts, programmed, advertised, "It has no endpoint; create the VirtualMachineInterfaces it is attached to, or those its Service selects.");
        var state = facts.Deleting ? ResourceState.Deleting
            : facts.VirtualRouterErrors.Count > 0 ? ResourceState.Failure
            : ResourceState.Success;
        return new StatusResult(state, EquatableList.Create<Condition>([allocated, programmed, advertised, ready]));
    }
}
