using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.FloatingIPs;
using CN2.Api.Json;
using CN2.Api.Options;
using CN2.Network.Addressing;
using CN2.Network.Status;
using Npgsql;

namespace CN2.Api.Services;

/// <summary>Makes the representations of Services from their rows; a page costs three queries whatever its size.</summary>
public sealed class ServiceResources(Catalog catalog, BgpOptions bgp)
{
    /// <summary>The representations, in the order of <paramref name="rows"/>.</summary>
    public async Task<List<ServiceResource>> ReadAsync(NpgsqlConnection connection, IReadOnlyList<ServiceRow> rows, CancellationToken ct)
    {
        if (rows.Count == 0) return [];
        var uids = rows.Select(r => r.Uid).ToArray();
        var snapshot = await catalog.VerifiedAsync(connection, ct);
        var held = (await FloatingIPTable.ReadAsync(connection, "f.service_uid = ANY($1) AND f.deleting_at IS NULL", ct, new NpgsqlParameter<Guid[]> { TypedValue = uids }))
            .ToLookup(f => f.ServiceUid!.Value);
        var leaving = rows.Any(r => r.DeletingAt is not null)
            ? (await FloatingIPTable.ReadAsync(connection, "f.service_uid = ANY($1) AND f.deleting_at IS NOT NULL", ct, new NpgsqlParameter<Guid[]> { TypedValue = uids })).ToLookup(f => f.ServiceUid!.Value)
            : null;
        var documents = new Dictionary<Guid, string>();
        await using (var command = new NpgsqlCommand("SELECT uid, document::text FROM service_status WHERE uid = ANY($1)", connection))
        {
            command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = uids });
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct)) documents[reader.GetGuid(0)] = reader.GetString(1);
        }

        return rows.Select(r => Make(r, r.DeletingAt is null ? held[r.Uid] : held[r.Uid].Concat(leaving![r.Uid]), snapshot, documents.GetValueOrDefault(r.Uid))).ToList();
    }

    /// <summary>The same on a context's connection.</summary>
    public async Task<IReadOnlyList<ServiceResource>> ReadAsync(CN2DbContext db, IReadOnlyList<ServiceRow> rows, CancellationToken ct) =>
        await ReadAsync(await db.OpenSqlAsync(ct), rows, ct);

    /// <summary>The same of a row whose spec was not read yet; it may be unreadable.</summary>
    internal ServiceResource Make(ServiceRow row, IEnumerable<FloatingIPRow> floatingIPs, CatalogSnapshot snapshot, string? document) => StoredDocument.Make(
        row,
        () => Make(row, ApiJson.Read<ServiceSpec>(row.Spec), floatingIPs, snapshot, document),
        condition =>
        {
            var resource = Make(row, new ServiceSpec { IpFamilies = [IPFamily.IPv4] }, floatingIPs, snapshot, null);
            return resource with { Status = resource.Status with { State = row.DeletingAt is null ? ResourceState.Failure : ResourceState.Deleting, Conditions = [condition] } };
        });

    /// <param name="row">The Service.</param>
    /// <param name="spec">Its spec, deserialized.</param>
    /// <param name="floatingIPs">What it holds.</param>
    /// <param name="snapshot">Has the names of the networks.</param>
    /// <param name="document">Its status from service_status; null: none was written since it was created.</param>
    internal ServiceResource Make(ServiceRow row, ServiceSpec spec, IEnumerable<FloatingIPRow> floatingIPs, CatalogSnapshot snapshot, string? document)
    {
        var ordered = floatingIPs.OrderBy(f => f.ExternalNetworkUid is not null).ThenBy(f => f.Address.FamilyOf() != spec.IpFamilies[0]).ThenBy(f => f.Name, StringComparer.Ordinal).ToList();
        var external = ordered.Where(f => f.ExternalNetworkUid is not null).ToList();
        var written = StoredDocument.ReadOr<ServiceStatus>(document, null);
        var conditions = StoredDocument.Conditions(row, ServiceConditions.Of(row, spec, external.Count > 0, bgp.Enabled, written?.Conditions));
        return new ServiceResource
        {
            Name = row.Name,
            Namespace = row.Namespace,
            Uid = row.Uid,
            Labels = row.Labels,
            Annotations = row.Annotations,
            Generation = row.Generation,
            CreatedAt = row.CreatedAt,
            UpdatedAt = row.UpdatedAt,
            Type = spec.Type,
            Selector = spec.Selector,
            Ports = spec.Ports,
            IpFamilies = spec.IpFamilies,
            IpFamilyPolicy = spec.IpFamilyPolicy,
            ExternalNetwork = spec.ExternalNetwork,
            ExternalNetworkSelector = spec.ExternalNetworkSelector,
            LoadBalancerIPs = spec.LoadBalancerIPs,
            AllocateLoadBalancerNodePorts = spec.AllocateLoadBalancerNodePorts,
            ExternalTrafficPolicy = spec.ExternalTrafficPolicy,
            SessionAffinity = spec.SessionAffinity,
            LoadBalancerSourceRanges = spec.LoadBalancerSourceRanges,
            Status = new ServiceStatus(
                row.DeletingAt is not null ? ResourceState.Deleting
                    : row.PendingReason is not null ? ResourceState.Pending
                    : written?.State is ResourceState.Failure ? ResourceState.Failure : ResourceState.Success,
                ordered.Where(f => f.ExternalNetworkUid is null).Select(f => f.Address.ToString()).ToList(),
                external.ConvertAll(f => f.Address.ToString()),
                external.Count == 0 ? null : snapshot.Network(external[0].ExternalNetworkUid!.Value)?.Id.ToString(),
                written?.Endpoints ?? new ServiceEndpoints(0, 0),
                ordered.ConvertAll(f => f.Name),
                conditions),
        };
    }
}
