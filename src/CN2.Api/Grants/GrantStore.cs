using System.Net;
using CN2.Api.Allocation;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Writes;
using CN2.Network.Grants;
using CN2.Network.Status;
using Npgsql;

namespace CN2.Api.Grants;

/// <summary>
/// Reads and writes grants; each method is one decision inside <see cref="WritePipeline"/>'s transaction. Writers of grants take turns, because each
/// locks the catalog's row; then the namespace is locked, so that what is counted for a new grant is neither coming nor going.
/// </summary>
public sealed class GrantStore
{
    public static string What(string ns) => $"The grant of Namespace {ns}";

    public static GrantResource ToResource(GrantRow row)
    {
        var spec = ApiJson.Read<GrantSpec>(row.Spec);
        return new GrantResource
        {
            Name = row.Name,
            Namespace = row.Namespace,
            Uid = row.Uid,
            Labels = row.Labels,
            Annotations = row.Annotations,
            Generation = row.Generation,
            CreatedAt = row.CreatedAt,
            UpdatedAt = row.UpdatedAt,
            Prefixes = spec.Prefixes,
            RouteTargets = spec.RouteTargets,
            Communities = spec.Communities,
            LargeCommunities = spec.LargeCommunities,
            EndpointPrefixes = spec.EndpointPrefixes,
            Quota = new GrantQuota
            {
                Services = row.Quota.Services,
                FloatingIPs = row.Quota.FloatingIPs,
                NodePorts = row.Quota.NodePorts,
                VirtualMachineInterfaces = row.Quota.VirtualMachineInterfaces,
                ExternalNetworks = row.Quota.ExternalNetworks,
            },
            Status = new GrantStatus(
                ResourceState.Success,
                new GrantUse(row.Used.Services, row.Used.FloatingIPs, row.Used.NodePorts, row.Used.VirtualMachineInterfaces, row.Used.ExternalNetworks),
                StoredDocument.Conditions(row, [])),
        };
    }

    /// <summary>The grant of a namespace; null: it has none.</summary>
    public Task<GrantRow?> FindAsync(NpgsqlConnection connection, string ns, CancellationToken ct) => GrantTable.FindAsync(connection, ns, ct);

    /// <summary>The grant, locked with its namespace until the transaction ends; null: the namespace has none.</summary>
    public async Task<GrantRow?> LockAsync(WriteScope scope, string ns, CancellationToken ct)
    {
        await Catalog.LockAsync(scope.Connection, ct);
        return await GrantTable.LockNamespaceAsync(scope.Connection, ns, ct) ? await GrantTable.FindAsync(scope.Connection, ns, ct) : null;
    }

    public async Task<WriteOutcome> PutAsync(WriteScope scope, string ns, GrantRequest request, CancellationToken ct)
    {
        await Catalog.LockAsync(scope.Connection, ct);
        if (!await GrantTable.LockNamespaceAsync(scope.Connection, ns, ct)) return ApiProblem.NotFound($"Namespace {ns}");
        var known = await GrantTable.FindAsync(scope.Connection, ns, ct);
        if (scope.CheckIfMatch(known?.Generation) is { } stale) return stale;
        var spec = ToSpec(request);
        var prefixes = spec.Prefixes.ConvertAll(IPNetwork.Parse);
        var row = known ?? new GrantRow { Namespace = ns, Name = GrantRow.OnlyName, Spec = "" }.CreatedAt(scope, request);
        var quota = ToQuota(request.Quota ?? new());
        if (known is not null)
        {
            if (!row.ChangeMetadata(request) && ApiJson.Text(ApiJson.Read<GrantSpec>(row.Spec)) == ApiJson.Text(spec) && row.Quota == quota) return new WriteOutcome.Saved(ToResource(row));
            row.Generation++;
            row.UpdatedAt = scope.Now;
        }

        (row.Spec, row.Quota) = (ApiJson.Text(spec), quota);
        if (await GrantTable.FindOverlapAsync(scope.Connection, ns, prefixes, ct) is { } overlap)
            return ApiProblem.GrantOverlap($"{overlap.Prefix} overlaps {overlap.Other}, which Namespace {overlap.Namespace} is granted; a prefix is granted to one namespace only.");
        await GrantTable.WriteAsync(scope.Connection, row, prefixes, spec.EndpointPrefixes?.ConvertAll(IPNetwork.Parse), known is null, ct);
        await TellNetworksAsync(scope, ns, ct);
        if (known is not null) return new WriteOutcome.Saved(ToResource(row));
        return new WriteOutcome.Created(ToResource((await GrantTable.FindAsync(scope.Connection, ns, ct))!));
    }

    /// <summary>From then on the namespace is like one that never had a grant: its networks stay and are operators'.</summary>
    public async Task<WriteOutcome> DeleteAsync(WriteScope scope, GrantRow row, CancellationToken ct)
    {
        if (scope.CheckIfMatch(row.Generation) is { } stale) return stale;
        await GrantTable.DeleteAsync(scope.Connection, row.Namespace, ct);
        await TellNetworksAsync(scope, row.Namespace, ct);
        return new WriteOutcome.Gone();
    }

    /// <summary>Watches and control nodes read the networks of the namespace again: what they may announce has changed.</summary>
    private static async Task TellNetworksAsync(WriteScope scope, string ns, CancellationToken ct)
    {
        foreach (var (name, uid) in await GrantTable.NetworksAsync(scope.Connection, ns, ct)) scope.Changes.Modified(ResourceKind.ExternalNetwork, ns, name, uid);
    }

    private static UseOf<int?> ToQuota(GrantQuota quota) => new(quota.Services, quota.FloatingIPs, quota.NodePorts, quota.VirtualMachineInterfaces, quota.ExternalNetworks);

    private static GrantSpec ToSpec(GrantRequest request) => new()
    {
        Prefixes = Sorted(request.Prefixes ?? [], t => t),
        RouteTargets = Sorted(request.RouteTargets ?? [], t => RouteTargetPattern.TryParse(t, out var pattern, out _) ? pattern.ToString() : t),
        Communities = Sorted(request.Communities ?? [], t => CommunityPattern.TryParse(t, out var pattern, out _) ? pattern.ToString() : t),
        LargeCommunities = Sorted(request.LargeCommunities ?? [], t => LargeCommunityPattern.TryParse(t, out var pattern, out _) ? pattern.ToString() : t),
        EndpointPrefixes = request.EndpointPrefixes is null ? null : Sorted(request.EndpointPrefixes, t => t),
    };

    private static List<string> Sorted(List<string> texts, Func<string, string> canonical) => [.. texts.Select(canonical).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
}
