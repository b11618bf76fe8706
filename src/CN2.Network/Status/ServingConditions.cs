using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.Network.Resources;

namespace CN2.Network.Status;

/// <summary>The conditions that a Service and a FloatingIP share.</summary>
internal static class ServingConditions
{
    private const int NamesShown = 3;
    private const string OperatorFindsReason = "An operator finds the reason in the condition Forwarding of the VirtualRouter.";

    public static Condition Programmed(ServingFacts facts)
    {
        if (facts.VirtualRouterErrors.Count > 0)
        {
            var first = facts.VirtualRouterErrors[0];
            return False(
                facts,
                ConditionType.Programmed,
                ConditionReason.VirtualRouterRefused,
                $"vRouter {first.VirtualRouter} refused its entries: {first.Message.TrimEnd('.')}{Others(facts.VirtualRouterErrors.Count - 1)}. What it had before still holds; read its agent's log.");
        }

        if (facts.EntriesRefused.Count > 0)
        {
            var first = facts.EntriesRefused[0];
            return False(
                facts,
                ConditionType.Programmed,
                ConditionReason.EntryRefused,
                $"vRouter {first.VirtualRouter} refuses the entry {first.Entry}: {first.Reason.TrimEnd('.')}{Others(facts.EntriesRefused.Count - 1)}. Its routes through that vRouter are not announced; correct the entry or the node, it is tried again by itself.");
        }

        if (facts.VirtualRoutersAwaited.Count > 0)
        {
            return False(
                facts,
                ConditionType.Programmed,
                ConditionReason.AwaitingVirtualRouters,
                $"Waiting for {Names(facts.VirtualRoutersAwaited)} to acknowledge; if this lasts, check that cn2-vrouter runs there and reaches the server." + Held(facts));
        }

        return facts.Programmed
            ? True(facts, ConditionType.Programmed, ConditionReason.Programmed, "Every vRouter that must carry it has acknowledged." + Elsewhere(facts))
            : False(facts, ConditionType.Programmed, ConditionReason.AwaitingVirtualRouters, "Its entries are about to be sent to the vRouters; wait a moment.");
    }

    /// <summary>The condition of the routes of a resource with an external address.</summary>
    public static Condition Advertised(ServingFacts facts)
    {
        if (facts.Deleting)
        {
            if (facts.ControlNodesGone.Count > 0) return True(facts, ConditionType.Advertised, ConditionReason.AwaitingControlNodes, "It is being deleted. " + Gone(facts));
            if (facts.RoutesInSpeaker == 0 && facts.ControlNodesAnnouncing.Count > 0)
            {
                var first = facts.ControlNodesAnnouncing[0];
                return True(facts, ConditionType.Advertised, ConditionReason.AwaitingControlNodes,
                    $"It is being deleted; control node {first}{Others(facts.ControlNodesAnnouncing.Count - 1)} has not withdrawn its routes yet. If this lasts, GET /v1/control-nodes/{first}: it withdraws them when its BGP engine answers.");
            }

            return facts.RoutesInSpeaker > 0
                ? True(facts, ConditionType.Advertised, ConditionReason.Deleting, "It is being deleted; its routes are being withdrawn.")
                : False(facts, ConditionType.Advertised, ConditionReason.Deleting,
                    facts.EngineAwayAt is { } node ? $"It is being deleted; its routes are withdrawn when the BGP engine of control node {node} answers again." : "It is being deleted; its routes are withdrawn.");
        }

        if (!facts.BgpEnabled)
        {
            return False(
                facts,
                ConditionType.Advertised,
                ConditionReason.BgpDisabled,
                "The BGP engine is switched off (Bgp:Engine is none); set it to gobgp to announce routes, or route the address by other means.");
        }

        foreach (var problem in facts.Problems)
            if (problem.WithholdsAddress) return False(facts, ConditionType.Advertised, problem.Reason, problem.Message);

        if (facts.RoutesWanted == 0)
        {
            if (Problem(facts, ConditionReason.NoEndpointOfFamily) is { } unreachable)
                return False(facts, ConditionType.Advertised, unreachable.Reason, unreachable.Message);
            return facts.EndpointsReady == 0
                ? False(
                    facts,
                    ConditionType.Advertised,
                    ConditionReason.NoReadyEndpoints,
                    "No endpoint takes traffic, so there is nothing to route to; see the condition Ready.")
                : False(
                    facts,
                    ConditionType.Advertised,
                    ConditionReason.VirtualRoutersDown,
                    "Every vRouter with a ready endpoint is lost or in maintenance; bring one back or set its adminDown to false.");
        }

        if (facts.RouteRefusal is { } refusal)
            return False(facts, ConditionType.Advertised, ConditionReason.RouteRefused, $"{facts.RoutesRefused} of {facts.RoutesWanted} routes cannot be announced: {refusal}");

        if (facts.OutsideGrantOf.Count > 0)
        {
            return False(
                facts,
                ConditionType.Advertised,
                ConditionReason.OutsideGrant,
                $"Its routes are held back, because the address, a route target or a community of its network is outside of what Namespace {facts.OutsideGrantOf[0]} is granted; take it out of the network, or have an operator widen the grant. They are sent by themselves then.");
        }

        if (facts.FamiliesWithoutPeer.Count > 0)
        {
            return False(
                facts,
                ConditionType.Advertised,
                ConditionReason.NoPeer,
                facts.EngineAwayAt is { } away
                    ? $"The BGP engine of control node {away} does not answer. Routers keep the routes that they have for the restart time of their BgpRouter, and changes wait; start or restart gobgpd there."
                    : $"No BgpRouter with the address family {string.Join(" or ", facts.FamiliesWithoutPeer)} is Established; create one, add the family to its addressFamilies, or see the lastError of its sessions.");
        }

        if (facts.RoutersFull.Count > 0)
        {
            return False(
                facts,
                ConditionType.Advertised,
                ConditionReason.PeerLimit,
                $"BgpRouter {facts.RoutersFull[0]}{Others(facts.RoutersFull.Count - 1)} takes no more prefixes (maxAdvertised), and older ones go first; raise the limit on the router and then maxAdvertised, or delete what is not needed.");
        }

        if (facts.RoutesInSpeaker < facts.RoutesWanted)
        {
            return False(
                facts,
                ConditionType.Advertised,
                ConditionReason.AwaitingSpeaker,
                $"{facts.RoutesInSpeaker} of {facts.RoutesWanted} routes are in the BGP table; the others follow once their vRouters have acknowledged and the engine has taken them.");
        }

        if (facts.RoutesSent < facts.RoutesWanted && !(facts.AddPathLimited && facts.RoutesSent > 0))
        {
            return False(
                facts,
                ConditionType.Advertised,
                ConditionReason.AwaitingPeers,
                $"{facts.RoutesSent} of {facts.RoutesWanted} routes have been sent to a peer; if this lasts, check that the BgpRouters have negotiated the address family, and that no community of the network (NO_ADVERTISE) keeps the routes from them.");
        }

        return facts.AddPathLimited
            ? True(
                facts,
                ConditionType.Advertised,
                ConditionReason.AddPathLimited,
                "Advertised, but a peer without ADD-PATH gets only one of the next hops; enable ADD-PATH receive on the router to use them all." + Remarks(facts))
            : True(facts, ConditionType.Advertised, facts.NextHopsLeft.Count > 0 ? ConditionReason.AwaitingControlNodes : ConditionReason.Advertised, "Every route has been sent to a peer." + Remarks(facts));
    }

    /// <summary>The condition Ready of a resource without a ready endpoint; null when an endpoint is ready.</summary>
    public static Condition? NoEndpoint(ServingFacts facts, string whenNone)
    {
        if (facts.EndpointsReady > 0) return null;
        if (facts.EndpointsTotal == 0) return False(facts, ConditionType.Ready, ConditionReason.NoEndpoints, whenNone + Remarks(facts));
        return False(
            facts,
            ConditionType.Ready,
            ConditionReason.NoReadyEndpoints,
            $"None of the {facts.EndpointsTotal} endpoints takes traffic; check their ready, their health check and that their vRouter is connected." + Remarks(facts));
    }

    public static Condition Ready(ServingFacts facts, Condition programmed, Condition advertised, string whenNoEndpoint)
    {
        if (facts.Deleting && facts.ControlNodesGone.Count > 0)
            return False(facts, ConditionType.Ready, ConditionReason.AwaitingControlNodes, "It is being deleted. " + Gone(facts));
        if (facts.Deleting)
            return False(facts, ConditionType.Ready, ConditionReason.Deleting, "It is being deleted; it is gone once its routes are withdrawn and the vRouters have dropped its entries." + Held(facts));
        if (programmed.Status != ConditionStatus.True) return programmed with { Type = ConditionType.Ready };
        // Also of a cluster IP, and where the server announces nothing: the condition Advertised does not say it there.
        foreach (var problem in facts.Problems)
            if (problem is { Reason: ConditionReason.InfrastructureAddress, WithholdsAddress: true }) return False(facts, ConditionType.Ready, problem.Reason, problem.Message);
        if (NoEndpoint(facts, whenNoEndpoint) is { } none) return none;
        if (advertised.Status != ConditionStatus.True && advertised.Reason != ConditionReason.BgpDisabled) return advertised with { Type = ConditionType.Ready };
        if (StoppedEverywhere(facts) is not TrafficKinds.None and var everywhere)
            return False(facts, ConditionType.Ready, ConditionReason.NotForwarding, $"{NotForwarding(facts, everywhere)}, and no other node carries it: clients get no answer. " + OperatorFindsReason);
        return True(
            facts,
            ConditionType.Ready,
            ConditionReason.Ready,
            $"{facts.EndpointsReady} of {facts.EndpointsTotal} endpoints take traffic."
                + (facts.NotForwarding.Count == 0 ? "" : $" {NotForwarding(facts, facts.NotForwarding.Aggregate(TrafficKinds.None, (all, n) => all | n.Stopped))}: clients that are sent there get no answer. {OperatorFindsReason}") + Remarks(facts));
    }

    /// <summary>Without the reason: its agent chose the words, and this resource is not the node's.</summary>
    private static string NotForwarding(ServingFacts facts, TrafficKinds stopped) =>
        $"Something on the node of {Names([.. facts.NotForwarding.Where(n => (n.Stopped & stopped) != 0).Select(n => n.VirtualRouter)])} stops {stopped.Phrase(facts.Traffic)}";

    /// <summary>The kinds of its traffic that no vRouter forwards to which clients are sent.</summary>
    private static TrafficKinds StoppedEverywhere(ServingFacts facts) =>
        facts.NotForwarding.Count == 0 || facts.NotForwarding.Count < facts.Carriers ? TrafficKinds.None : facts.NotForwarding.Aggregate(facts.Traffic, (all, n) => all & n.Stopped);

    public static Condition True(ServingFacts facts, string type, string reason, string message) =>
        new(type, ConditionStatus.True, reason, message, facts.Generation);

    public static Condition False(ServingFacts facts, string type, string reason, string message) =>
        new(type, ConditionStatus.False, reason, message, facts.Generation);

    private static CompilationProblem? Problem(ServingFacts facts, string reason)
    {
        foreach (var problem in facts.Problems)
            if (problem.Reason == reason) return problem;
        return null;
    }

    /// <summary>Problems that leave the condition as it is, as further sentences.</summary>
    private static string Remarks(ServingFacts facts) => string.Concat(facts.Problems.Take(NamesShown).Select(p => " " + p.Message)) + Left(facts);

    /// <summary>The routes that nobody withdraws, as a further sentence.</summary>
    private static string Left(ServingFacts facts)
    {
        if (facts.NextHopsLeft.Count == 0) return "";
        var (controlNode, nextHop) = facts.NextHopsLeft[0];
        return $" Control node {controlNode} is gone, and its BGP engine may still send clients to {nextHop}{Others(facts.NextHopsLeft.Count - 1)}, where nothing serves them: some connections fail. "
            + $"Start {controlNode} again, or stop its engine (gobgpd).";
    }

    private static string Names(EquatableList<string> names, string kind = "vRouter") =>
        kind + (names.Count == 1 ? " " : "s ") + string.Join(", ", names.Take(NamesShown)) + Others(names.Count - NamesShown);

    /// <summary>Who refuses entries and has no endpoint, as a further sentence. Without the reason: its agent chose the words, and this resource is not the node's.</summary>
    private static string Elsewhere(ServingFacts facts) => facts.RefusedElsewhere.Count == 0 ? ""
        : $" {Names(facts.RefusedElsewhere)} {(facts.RefusedElsewhere.Count == 1 ? "refuses" : "refuse")} entries of it and {(facts.RefusedElsewhere.Count == 1 ? "has" : "have")} none of its endpoints: "
            + "only callers on that node may not reach it; an operator finds the reason in the status of the VirtualRouter.";

    /// <summary>What a loss of many vRouters at once holds up, as a further sentence.</summary>
    private static string Held(ServingFacts facts) => facts.VirtualRoutersHeld.Count == 0 ? ""
        : $" {Names(facts.VirtualRoutersHeld, "VirtualRouter")} went away together with many others (MassLoss), so they do not count as lost, and what waits for them goes on waiting, deletions too: "
            + "mend the network between the agents and the servers, or DELETE the VirtualRouter of a node that is dead.";

    private static string Gone(ServingFacts facts)
    {
        var first = facts.ControlNodesGone[0];
        return $"Control node {first} is gone{Others(facts.ControlNodesGone.Count - 1)}, and its BGP engine may still announce the address, which is not free as long as it may. "
            + $"Start {first} again, or, when its engine is stopped too, declare it dead with DELETE /v1/control-nodes/{first}.";
    }

    private static string Others(int count) => count > 0 ? $" and {count} more" : "";
}
