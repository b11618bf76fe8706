using CN2.Network.Collections;
using CN2.Network.Resources;

namespace CN2.Network.Status;

/// <summary>The state and conditions of a Service (docs/contract.md §3). Pure. A new Service is compiled with the defaults of its facts.</summary>
public static class ServiceStatusCompiler
{
    public static StatusResult Compile(ServiceFacts facts)
    {
        var allocated = Allocated(facts);
        var programmed = ServingConditions.Programmed(facts);
        var advertised = Advertised(facts);
        var ready = allocated.Status != ConditionStatus.True && !facts.Deleting
            ? ServingConditions.False(facts, ConditionType.Ready, ConditionReason.NotAllocated, allocated.Message)
            : ServingConditions.Ready(
                facts,
                programmed,
                advertised,
                "No VirtualMachineInterface of its namespace matches the selector (an empty one matches none); create one with these labels, or correct the selector.");
        return new StatusResult(StateOf(facts), EquatableList.Create<Condition>([allocated, programmed, advertised, ready]));
    }

    /// <summary>A missing address comes first for the user, so a refusal is a Failure only when all addresses are held.</summary>
    private static ResourceState StateOf(ServiceFacts facts)
    {
        if (facts.Deleting) return ResourceState.Deleting;
        if (facts.PendingReason is not null) return ResourceState.Pending;
        return facts.VirtualRouterErrors.Count > 0 ? ResourceState.Failure : ResourceState.Success;
    }

    private static Condition Allocated(ServiceFacts facts) => facts.PendingReason is { } reason
        ? ServingConditions.False(facts, ConditionType.Allocated, reason, facts.PendingMessage ?? DefaultMessage(reason))
        : ServingConditions.True(facts, ConditionType.Allocated, ConditionReason.Allocated, "Every address and node port it asks for is held.");

    private static Condition Advertised(ServiceFacts facts)
    {
        if (facts.Type != ServiceType.LoadBalancer)
        {
            return ServingConditions.True(
                facts, ConditionType.Advertised, ConditionReason.NotApplicable, $"A {facts.Type} Service has no external address, so there is nothing to advertise.");
        }

        if (!facts.HasExternal && !facts.Deleting)
        {
            return ServingConditions.False(
                facts,
                ConditionType.Advertised,
                ConditionReason.NotAllocated,
                "It holds no external address yet; see the condition Allocated.");
        }

        return ServingConditions.Advertised(facts);
    }

    private static string DefaultMessage(string reason) => reason switch
    {
        ConditionReason.NoExternalNetwork => "No ExternalNetwork matches the selector; label one to match, or name one in externalNetwork.",
        ConditionReason.SelectorNotFound => "The ExternalNetworkSelector it names does not exist; create it, or name another.",
        ConditionReason.NetworkNotFound => "The ExternalNetwork it names does not exist; create it, or name another.",
        ConditionReason.AddressesExhausted => "Its ExternalNetwork has no free address; add a subnet or widen its ranges, or delete a Service that holds one.",
        ConditionReason.ClusterIPsExhausted => "The service network has no free address; delete a Service, or widen ServiceNetwork.",
        ConditionReason.NodePortsExhausted => "No node port is free; delete a Service, or set allocateLoadBalancerNodePorts to false.",
        ConditionReason.FamilyNotAvailable => "Its ExternalNetwork has no subnet of a family it asks for; add one, or change ipFamilies.",
        _ => "An address or node port is missing; it is served as soon as one can be had.",
    };
}
