using System.Net;
using CN2.Api.Allocation;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Network.Addressing;
using CN2.Network.Allocation;
using CN2.Network.Resources;

namespace CN2.Api.Services;

/// <summary>
/// Decides what a Service needs beyond what it holds. It keeps an address unless the user changed the network, asked for another address,
/// or removed the family or type that needs the address. Pure.
/// </summary>
internal static class ServicePlanner
{
    /// <summary>Fills in the plan of <paramref name="work"/> (its lists are empty before).</summary>
    public static void Plan(ServiceWork work, CatalogSnapshot catalog)
    {
        if (!catalog.Namespaces.ContainsKey(work.Row.Namespace))
        {
            work.Refusal = ApiProblem.NotFound($"Namespace {work.Row.Namespace}");
            return;
        }

        PlanCluster(work, catalog);
        if (work.Refusal is not null) return;
        if (work.Spec.Type == ServiceType.LoadBalancer)
        {
            PlanExternal(work, catalog);
        }
        else
        {
            work.Spec.Moving = false;
            work.Dropped.AddRange(work.Held.Where(f => f.ExternalNetworkUid is not null));
        }

        PlanNodePorts(work);
    }

    /// <summary>The families that the Service should have, the primary first, and whether it may do without the second.</summary>
    private static (IPFamily First, IPFamily? Second, bool SecondMayMiss) Families(ServiceSpec spec)
    {
        var families = FamiliesOf(spec);
        return (families[0], families.Count > 1 ? families[1] : null, spec.IpFamilyPolicy == IPFamilyPolicy.PreferDualStack);
    }

    /// <summary>The families that the Service should have, the primary first.</summary>
    internal static IReadOnlyList<IPFamily> FamiliesOf(ServiceSpec spec) => IPFamilyDecision.FamiliesOf(spec.IpFamilies, spec.IpFamilyPolicy);

    private static void PlanCluster(ServiceWork work, CatalogSnapshot catalog)
    {
        var (first, second, _) = Families(work.Spec);
        foreach (var family in second is { } other ? new[] { first, other } : [first])
        {
            if (work.Held.Exists(f => f.ExternalNetworkUid is null && f.Address.FamilyOf() == family)) continue;
            if (work.ClusterIPs.FirstOrDefault(a => a.FamilyOf() == family) is { } asked) PlanClusterIP(work, catalog, asked);
            else work.ClusterDemands.Add(new AddressDemand([new PoolOption(catalog.ServiceSubnetsOf(family))]));
        }

        work.Dropped.AddRange(work.Held.Where(f => f.ExternalNetworkUid is null && f.Address.FamilyOf() != first && f.Address.FamilyOf() != second));
    }

    private static void PlanClusterIP(ServiceWork work, CatalogSnapshot catalog, IPAddress asked)
    {
        var pools = catalog.ServiceSubnetsOf(asked.FamilyOf()).Select(id => catalog.Subnet(id).Subnet).ToList();
        if (pools.Find(p => p.Cidr.Contains(asked) && p.CanBeRequested(asked)) is { } pool) work.AskedClusterIPs.Add(new PooledAddress(pool.Id, asked));
        else work.Refusal ??= ServiceProblems.ClusterIPOutOfRange(work.ClusterIPs, asked, pools.ConvertAll(p => p.Cidr));
    }

    private static void PlanExternal(ServiceWork work, CatalogSnapshot catalog)
    {
        var (first, second, secondMayMiss) = Families(work.Spec);
        work.Dropped.AddRange([.. work.External.Where(f => f.Address.FamilyOf() != first && f.Address.FamilyOf() != second)]);
        var held = work.External.ToList();
        var candidates = catalog.CandidatesFor(work.Row.Namespace, work.Spec.ExternalNetwork, work.Spec.ExternalNetworkSelector);
        var asked = work.Spec.LoadBalancerIPs.ConvertAll(IPAddress.Parse);
        var asksAnew = asked.Exists(a => !held.Exists(f => f.Address.Equals(a)));
        var current = held.Count > 0 ? catalog.Network(held[0].ExternalNetworkUid!.Value) : null;
        var chosenAnew = work.Before is { } before
            && (before.ExternalNetwork != work.Spec.ExternalNetwork || before.ExternalNetworkSelector != work.Spec.ExternalNetworkSelector);
        // Who uses a network already stays there when its owner shuts it.
        if (!work.Serving && (current is null || chosenAnew || asksAnew) && IsShut(work, candidates))
        {
            work.Refusal = ApiProblem.NetworkNotAllowed(work.Spec.ExternalNetwork!, work.Row.Namespace);
            return;
        }

        if (asksAnew)
        {
            PlanAsked(work, candidates, held, asked, first, second);
            return;
        }

        if (current is not null && (chosenAnew || work.Spec.Moving))
        {
            if (candidates.Networks.Contains(current))
            {
                work.Spec.Moving = false;
            }
            else
            {
                work.Spec.Moving = true;
                if (asked.Count > 0)
                {
                    PlanAsked(work, candidates, held, asked, first, second);
                    return;
                }

                work.Replaced.AddRange(held);
                Demand(work, candidates, candidates.Networks, first, second, secondMayMiss);
                return;
            }
        }

        if (current is null)
        {
            Demand(work, candidates, candidates.Networks, first, second, secondMayMiss);
            return;
        }

        // All families of a Service come from one network, so a missing family comes from the network that the Service has already.
        var missing = new[] { first, second ?? first }.Distinct().Where(f => !held.Exists(h => h.Address.FamilyOf() == f)).ToList();
        if (missing.Count == 0) return;
        var options = missing.TrueForAll(f => current.SubnetsOf(f).Count > 0) ? new List<PoolOption> { new([.. missing.Select(current.SubnetsOf)]) } : [];
        if (options.Count > 0) work.ExternalDemand = new AddressDemand(options);
        else if (!secondMayMiss) work.Pend(ConditionReason.FamilyNotAvailable, $"ExternalNetwork {current.Id} has no {missing[0]} subnet; add one, or change ipFamilies.");
    }

    /// <summary>The named network does not allow the namespace. Of a namespace that the caller may not read, a network that does not exist answers the same.</summary>
    private static bool IsShut(ServiceWork work, NetworkCandidates candidates) => candidates.Reason == ConditionReason.NetworkNotAllowed
        || (candidates.Reason == ConditionReason.NetworkNotFound && NamespacedName.TryParse(work.Spec.ExternalNetwork, work.Row.Namespace, out var id) && work.Rights.In(id.Namespace) is null);

    private static void Demand(
        ServiceWork work, NetworkCandidates candidates, IReadOnlyList<CatalogNetwork> networks, IPFamily first, IPFamily? second, bool secondMayMiss)
    {
        if (networks.Count == 0)
        {
            work.Pend(candidates.Reason!, candidates.Message!);
            return;
        }

        var options = new List<PoolOption>();
        if (second is { } other)
            options.AddRange(networks.Where(n => n.SubnetsOf(first).Count > 0 && n.SubnetsOf(other).Count > 0).Select(n => new PoolOption(n.SubnetsOf(first), n.SubnetsOf(other))));
        if (second is null || secondMayMiss) options.AddRange(networks.Where(n => n.SubnetsOf(first).Count > 0).Select(n => new PoolOption(n.SubnetsOf(first))));
        if (second is { } alone && secondMayMiss) options.AddRange(networks.Where(n => n.SubnetsOf(alone).Count > 0).Select(n => new PoolOption(n.SubnetsOf(alone))));
        if (options.Count == 0)
        {
            work.Pend(work.Spec.ExternalNetwork is null ? ConditionReason.NoExternalNetwork : ConditionReason.FamilyNotAvailable,
                $"{string.Join(", ", networks.Take(5).Select(n => n.Id))} has no {(second is null ? first : "IPv4 and IPv6")} subnet; add one, or change ipFamilies.");
            return;
        }

        work.ExternalDemand = new AddressDemand(options);
    }

    private static void PlanAsked(ServiceWork work, NetworkCandidates candidates, List<FloatingIPRow> held, List<IPAddress> asked, IPFamily first, IPFamily? second)
    {
        if (candidates.Networks.Count == 0)
        {
            work.Pend(candidates.Reason!, candidates.Message!);
            return;
        }

        // A network that contains the requested addresses comes before one of higher priority (docs/contract.md §3).
        var containing = candidates.Networks.Where(n => asked.TrueForAll(a => n.Subnets.Any(s => s.Cidr.Contains(a)))).ToList();
        if (containing.Count == 0)
        {
            var text = $"{string.Join(", ", asked)} is in no subnet of one of the candidate networks ({string.Join(", ", candidates.Networks.Take(5).Select(n => n.Id))}).";
            if (work.Serving) work.Pend(ConditionReason.AddressOutOfRange, text);
            else work.Refusal = ApiProblem.AddressOutOfRange("loadBalancerIPs", text);
            return;
        }

        for (var i = 0; i < asked.Count; i++)
        {
            var address = asked[i];
            var family = address.FamilyOf();
            if (held.Exists(f => f.Address.Equals(address) && f.ExternalNetworkUid == containing[0].Uid)) continue;
            var places = containing.Select(n => (Network: n, Subnet: n.Subnets.First(s => s.Cidr.Contains(address)))).ToList();
            if (places.TrueForAll(p => !p.Subnet.CanBeRequested(address)))
            {
                var text = $"{address} is the network address, the broadcast address or the gateway of {places[0].Subnet.Cidr}; ask for another.";
                if (work.Serving) work.Pend(ConditionReason.AddressOutOfRange, text);
                else work.Refusal = ApiProblem.AddressOutOfRange($"loadBalancerIPs[{i}]", text);
                return;
            }

            work.Asked.Add(new AskedAddress(address, family, places.Where(p => p.Subnet.CanBeRequested(address)).ToList()));
        }

        // A family without a requested address gets one from the same network; ServiceAllocation adds it once the network is known.
    }

    private static void PlanNodePorts(ServiceWork work)
    {
        var spec = work.Spec;
        var before = (work.Before?.Ports ?? []).Where(p => p.NodePort is not null).Select(p => ((short)p.Protocol, p.NodePort!.Value)).ToHashSet();
        if (spec.Type == ServiceType.ClusterIP)
        {
            foreach (var port in spec.Ports) port.NodePort = null;
        }
        else
        {
            var automatic = spec.Type == ServiceType.NodePort || spec.AllocateLoadBalancerNodePorts;
            if (work.Before is { } old && automatic)
            {
                // A request that leaves the node port out keeps the one that the port has.
                foreach (var port in spec.Ports.Where(p => p.NodePort is null))
                {
                    var kept = old.Ports.Find(p => p.Protocol == port.Protocol && p.Port == port.Port)?.NodePort;
                    if (kept is not null && !spec.Ports.Exists(p => p.Protocol == port.Protocol && p.NodePort == kept)) port.NodePort = kept;
                }
            }

            if (automatic)
            {
                foreach (var group in spec.Ports.Where(p => p.NodePort is null).GroupBy(p => p.Protocol))
                    work.NodePortDemands.Add(new NodePortDemand((short)group.Key, group.Count()));
            }
        }

        var after = spec.Ports.Where(p => p.NodePort is not null).Select(p => ((short)p.Protocol, p.NodePort!.Value)).ToHashSet();
        work.AskedNodePorts.AddRange(after.Where(p => !before.Contains(p)));
        work.ReturnedNodePorts.AddRange(before.Where(p => !after.Contains(p)));
    }
}
