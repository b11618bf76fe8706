using System.Net;
using CN2.Api.Allocation;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.FloatingIPs;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Options;
using CN2.Network.Addressing;
using CN2.Network.Allocation;
using CN2.Network.Resources;
using Npgsql;
using NpgsqlTypes;

namespace CN2.Api.Services;

/// <summary>
/// Gives Services what they need, many at once, inside the caller's transaction: plans, claims requested addresses, takes the rest from
/// the pools, and stores the result in each <see cref="ServiceWork"/>. It does not write the holders; <see cref="ServiceStatements"/> does.
/// </summary>
public sealed class ServiceAllocation(ControlNodeOptions control)
{
    internal async Task RunAsync(NpgsqlConnection connection, CatalogSnapshot catalog, IReadOnlyList<ServiceWork> works, DateTimeOffset now, CancellationToken ct)
    {
        foreach (var work in works)
        {
            if (work.Refusal is null) ServicePlanner.Plan(work, catalog);
        }

        if (works.Any(w => w.Refusal is null && w.Asked.Count + w.AskedClusterIPs.Count > 0)) await DecideAskedAsync(connection, catalog, works, now, ct);
        var served = works.Where(w => w.Refusal is null).ToList();
        var held = await AddressAllocator.HeldNodePortsAsync(connection, served.SelectMany(w => w.AskedNodePorts).ToList(), ct);
        if (held.Count > 0) served.RemoveAll(w => IsRefused(w, held));
        served = await ServiceQuotas.AdmitAsync(connection, catalog, served, ct);
        await AddressAllocator.TakeAskedAsync(
            connection,
            served.SelectMany(w => w.Added).Select(f => new PooledAddress(f.SubnetId, f.Address)).ToList(),
            served.SelectMany(w => w.AskedNodePorts).ToList(),
            ct);
        var demands = new List<AddressDemand>();
        foreach (var work in served)
        {
            demands.AddRange(work.ClusterDemands);
            if (work.ExternalDemand is null) continue;
            work.ExternalDemand.HolderIn = subnet => new NamespacedName(work.Row.Namespace, NameOf(work, catalog.Subnet(subnet).Subnet.Family, FloatingIPKind.External));
            demands.Add(work.ExternalDemand);
        }

        await AddressAllocator.TakeAsync(connection, catalog.Version, demands, served.SelectMany(w => w.NodePortDemands).ToList(), ct);
        foreach (var work in served) Conclude(work, catalog, now);
    }

    private static bool IsRefused(ServiceWork work, HashSet<(short Protocol, int Port)> held)
    {
        var taken = work.AskedNodePorts.FindAll(held.Contains);
        if (taken.Count > 0) work.Refusal = ServiceProblems.NodePortInUse(work.Spec.Ports, taken);
        return taken.Count > 0;
    }

    /// <summary>Decides requested addresses by who holds them. The holders' rows are locked, so that two claims, or a claim and a deletion, take turns.</summary>
    private async Task DecideAskedAsync(NpgsqlConnection connection, CatalogSnapshot catalog, IReadOnlyList<ServiceWork> works, DateTimeOffset now, CancellationToken ct)
    {
        var open = works.Where(w => w.Refusal is null).ToList();
        var places = open.SelectMany(w => w.Asked).SelectMany(a => a.Places.Select(p => new PooledAddress(p.Subnet.Id, a.Address))).Concat(open.SelectMany(w => w.AskedClusterIPs)).Distinct().ToList();
        var holders = (await FloatingIPTable.ReadAsync(
            connection,
            "(f.subnet_id, f.address) IN (SELECT s, a FROM unnest($1, $2) AS t (s, a)) ORDER BY f.uid FOR UPDATE OF f",
            ct,
            new NpgsqlParameter { Value = places.ConvertAll(p => p.SubnetId) },
            new NpgsqlParameter { Value = places.ConvertAll(p => p.Address), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Inet }))
            .ToDictionary(f => new PooledAddress(f.SubnetId, f.Address));
        var blocked = await BlockedAddresses.FindAsync(connection, places, ct);
        var resting = await RestingAddresses.FindAsync(connection, places, ct);
        foreach (var work in open) DecideClusterIPs(work, catalog, holders, blocked, now);
        foreach (var work in open.Where(w => w.Refusal is null && w.Asked.Count > 0))
        {
            // All families come from one network: the first that can give every requested address. A network where the user has reserved
            // an address comes before one where the address is only free.
            var networks = work.Asked[0].Places.Select(p => p.Network).Where(n => work.Asked.TrueForAll(a => a.Places.Any(p => p.Network == n))).ToList();
            CatalogNetwork? chosen = null;
            var chosenClaims = -1;
            foreach (var network in networks)
            {
                var wanted = work.Asked.ConvertAll(a => new PooledAddress(a.Places.First(p => p.Network == network).Subnet.Id, a.Address));
                var found = wanted.ConvertAll(p => holders.GetValueOrDefault(p));
                if (!found.TrueForAll(f => f is null || Claimable(f, work.Row)) || wanted.Exists(p => resting.RefusalOf(p, work.Row.Namespace) is not null)) continue;
                var claims = found.Count(f => f is not null);
                if (claims <= chosenClaims) continue;
                chosen = network;
                chosenClaims = claims;
            }

            if (chosen is null)
            {
                var all = work.Asked.SelectMany(a => a.Places.Select(p => new PooledAddress(p.Subnet.Id, a.Address))).ToList();
                var holder = all.Select(p => holders.GetValueOrDefault(p)).FirstOrDefault(f => f is not null && !Claimable(f, work.Row));
                var text = holder is not null ? await AddressHolder.DescribeAsync(connection, holder, ct)
                    : all.Select(p => resting.RefusalOf(p, work.Row.Namespace)).First(r => r is not null)!.Detail;
                work.Asked.Clear();
                if (work.Serving) work.Pend(ConditionReason.AddressInUse, text);
                else work.Refusal = ApiProblem.AddressInUse(text) with { Paths = ["loadBalancerIPs"] };
                continue;
            }

            // What the user holds already is not asked for anew, but what has become the infrastructure's would not be served.
            var asked = work.Asked.Select(a => new PooledAddress(a.Places.First(p => p.Network == chosen).Subnet.Id, a.Address));
            if (asked.Select(p => blocked.GetValueOrDefault(p) is { } problem && (problem.Code == ProblemCodes.InfrastructureAddress || !holders.ContainsKey(p)) ? problem : null)
                .FirstOrDefault(p => p is not null) is { } refused)
            {
                work.Asked.Clear();
                if (work.Serving) work.Pend(ConditionReason.AddressInUse, refused.Detail);
                else work.Refusal = refused with { Paths = ["loadBalancerIPs"] };
                continue;
            }

            foreach (var address in work.Asked)
            {
                var subnet = address.Places.First(p => p.Network == chosen).Subnet;
                if (holders.Remove(new PooledAddress(subnet.Id, address.Address), out var claimed))
                {
                    claimed.ServiceUid = work.Row.Uid;
                    claimed.UpdatedAt = now;
                    work.Claimed.Add(claimed);
                }
                else
                {
                    work.Added.Add(NewRow(work, subnet, address.Address, chosen.Uid, now));
                    holders[new PooledAddress(subnet.Id, address.Address)] = work.Added[^1];
                }
            }

            FollowAsked(work, chosen);
        }
    }

    private void DecideClusterIPs(
        ServiceWork work, CatalogSnapshot catalog, Dictionary<PooledAddress, FloatingIPRow> holders, Dictionary<PooledAddress, ApiProblem> blocked, DateTimeOffset now)
    {
        foreach (var place in work.AskedClusterIPs)
        {
            if (holders.ContainsKey(place) || blocked.ContainsKey(place))
            {
                work.Refusal = ServiceProblems.ClusterIPInUse(work.ClusterIPs, place.Address, blocked.GetValueOrDefault(place)?.Detail);
                return;
            }

            work.Added.Add(NewRow(work, catalog.Subnet(place.SubnetId).Subnet, place.Address, null, now));
            holders[place] = work.Added[^1];
        }
    }

    /// <summary>The other family moves into the network of the requested addresses; addresses of other networks are replaced.</summary>
    private static void FollowAsked(ServiceWork work, CatalogNetwork network)
    {
        var external = work.External.ToList();
        var askedFamilies = work.Asked.Select(a => a.Family).ToHashSet();
        var staying = external.Where(f => f.ExternalNetworkUid == network.Uid && !askedFamilies.Contains(f.Address.FamilyOf())).ToList();
        work.Replaced.AddRange(external.Except(staying));
        work.Spec.Moving = false;
        var wanted = ServicePlanner.FamiliesOf(work.Spec);
        var missing = wanted.Where(f => !askedFamilies.Contains(f) && !staying.Exists(s => s.Address.FamilyOf() == f)).ToList();
        if (missing.Count > 0) work.ExternalDemand = new AddressDemand([new PoolOption([.. missing.Select(network.SubnetsOf)])]);
    }

    private static bool Claimable(FloatingIPRow holder, ServiceRow service) =>
        holder is { Reserved: true, ServiceUid: null, DeletingAt: null } && holder.Namespace == service.Namespace && ApiJson.Read<FloatingIPSpec>(holder.Spec).Interfaces.Count == 0;

    private void Conclude(ServiceWork work, CatalogSnapshot catalog, DateTimeOffset now)
    {
        foreach (var demand in work.ClusterDemands)
        {
            if (demand.Chosen < 0) work.Pend(ConditionReason.ClusterIPsExhausted, "The service network has no free address; delete Services, or give the server a wider ServiceNetwork.");
            else Add(work, catalog, demand, now);
        }

        if (work.ExternalDemand is { } external)
        {
            if (external.Chosen >= 0)
            {
                if (work.Replaced.Count > 0) work.Spec.Moving = false;
                Add(work, catalog, external, now);
            }
            else if (work.Replaced.Count > 0 || !work.External.Any() || work.Spec.IpFamilyPolicy == IPFamilyPolicy.RequireDualStack)
            {
                if (work.Asked.Count == 0 || work.Spec.IpFamilyPolicy == IPFamilyPolicy.RequireDualStack)
                {
                    var names = external.Options.SelectMany(o => o.SubnetsOfFamily).SelectMany(s => s).Select(s => catalog.Subnet(s).Network!.Id).Distinct().Take(5).ToList();
                    if (names.Count == 0) work.Pend(ConditionReason.FamilyNotAvailable, "The chosen network has no subnet of the family; add one, or change ipFamilies.");
                    else work.Pend(ConditionReason.AddressesExhausted, $"{string.Join(", ", names)} {(names.Count == 1 ? "has" : "have")} no free address; add a subnet or range, or delete what holds their addresses.");
                }
            }
        }

        // A replaced address is dropped only once there is a new one in its place.
        if (work.Added.Exists(f => f.ExternalNetworkUid is not null) || work.Claimed.Count > 0) work.Dropped.AddRange(work.Replaced);
        foreach (var row in work.Dropped)
        {
            row.DeletingAt = now;
            row.UpdatedAt = now;
            // The successor takes over the name. A reservation keeps its name, which the user chose.
            if (!row.Reserved) row.Name = FloatingIPName.Retired(row.Name, row.Uid);
            work.Held.Remove(row);
            work.Retired.Add(row);
        }

        foreach (var demand in work.NodePortDemands)
        {
            var next = 0;
            foreach (var port in work.Spec.Ports.Where(p => p.NodePort is null && (short)p.Protocol == demand.Protocol))
            {
                if (next == demand.Taken.Count) break;
                port.NodePort = demand.Taken[next++];
                work.AskedNodePorts.Add((demand.Protocol, port.NodePort.Value));
            }

            if (next < demand.Count) work.Pend(ConditionReason.NodePortsExhausted, "No node port is free; set allocateLoadBalancerNodePorts to false, or give the server a wider range (NodePorts).");
        }

        work.Row.PendingReason = work.PendingReason;
        work.Row.PendingMessage = work.PendingMessage;
        work.Row.Spec = ApiJson.Text(work.Spec);
    }

    private void Add(ServiceWork work, CatalogSnapshot catalog, AddressDemand demand, DateTimeOffset now)
    {
        foreach (var taken in demand.Taken)
        {
            var (subnet, network) = catalog.Subnet(taken.SubnetId);
            work.Added.Add(NewRow(work, subnet, taken.Address, network?.Uid, now));
        }
    }

    private string NameOf(ServiceWork work, IPFamily family, FloatingIPKind kind) =>
        FloatingIPName.Of(control.ClusterName, new NamespacedName(work.Row.Namespace, work.Row.Name), family, kind);

    private FloatingIPRow NewRow(ServiceWork work, CatalogSubnet subnet, IPAddress address, Guid? network, DateTimeOffset now) => new()
    {
        Uid = Guid.CreateVersion7(),
        Namespace = work.Row.Namespace,
        Name = NameOf(work, subnet.Family, network is null ? FloatingIPKind.ClusterIP : FloatingIPKind.External),
        SubnetId = subnet.Id,
        SubnetCidr = subnet.Cidr,
        Address = address,
        ExternalNetworkUid = network,
        ServiceUid = work.Row.Uid,
        CreatedAt = now,
        UpdatedAt = now,
    };
}
