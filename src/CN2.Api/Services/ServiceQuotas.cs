using CN2.Api.Allocation;
using CN2.Api.Data.Rows;
using CN2.Api.Grants;
using CN2.Api.Http;
using CN2.Network.Resources;
using Npgsql;

namespace CN2.Api.Services;

/// <summary>
/// Refuses Services that a quota of their namespace has no room for, so that those that share their transaction go on. Triggers count the rows and have
/// the last word (migration Grants). A namespace without a grant costs nothing here.
/// </summary>
internal static class ServiceQuotas
{
    /// <summary>Those that there is room for, in their order. A pending Service that there is no room for is left without what it lacks.</summary>
    public static async Task<List<ServiceWork>> AdmitAsync(NpgsqlConnection connection, CatalogSnapshot catalog, List<ServiceWork> works, CancellationToken ct)
    {
        var namespaces = works.Select(w => w.Row.Namespace).Where(catalog.HasGrant).Distinct(StringComparer.Ordinal).ToList();
        if (namespaces.Count == 0) return works;
        var grants = (await GrantTable.LockUseAsync(connection, namespaces, ct)).ToDictionary(g => g.Namespace, StringComparer.Ordinal);
        return works.FindAll(w => !grants.TryGetValue(w.Row.Namespace, out var grant) || IsAdmitted(w, grant));
    }

    private static bool IsAdmitted(ServiceWork work, GrantRow grant)
    {
        // A retired FloatingIP counts until it is gone. How many a demand takes is known when it is carried out: a request counts with the fewest, and the
        // trigger counts after it; a pending Service must not fail there again and again, so it counts with the most.
        var options = (work.ExternalDemand?.Options ?? []).Select(o => o.SubnetsOfFamily.Length).DefaultIfEmpty(0);
        var services = work.Before is null ? 1 : 0;
        var floatingIPs = work.Added.Count(f => f.ExternalNetworkUid is not null) + (work.Serving ? options.Max() : options.Min());
        var nodePorts = work.AskedNodePorts.Count + work.NodePortDemands.Sum(d => d.Count);
        var used = grant.Used with { NodePorts = grant.Used.NodePorts - work.ReturnedNodePorts.Count };
        var problem = Over("services", used.Services, grant.Quota.Services, services)
            ?? Over("floatingIPs", used.FloatingIPs, grant.Quota.FloatingIPs, floatingIPs)
            ?? Over("nodePorts", used.NodePorts, grant.Quota.NodePorts, nodePorts);
        if (problem is not null && !work.Serving)
        {
            work.Refusal = problem;
            return false;
        }

        if (problem is not null)
        {
            work.Pend(ConditionReason.QuotaExceeded, problem.Detail);
            work.Added.RemoveAll(f => f.ExternalNetworkUid is not null);
            work.ExternalDemand = null;
            work.NodePortDemands.Clear();
            return true;
        }

        grant.Used = new(used.Services + services, used.FloatingIPs + floatingIPs, used.NodePorts + nodePorts, used.VirtualMachineInterfaces, used.ExternalNetworks);
        return true;

        ApiProblem? Over(string resource, long used, int? most, int asked) =>
            asked > 0 && used + asked > most ? ApiProblem.QuotaExceeded(work.Row.Namespace, resource, used, most.Value, asked) : null;
    }
}
