using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.Json;
using CN2.Api.Options;
using CN2.Network.Resources;
using CN2.Network.Status;
using Npgsql;

namespace CN2.Api.FloatingIPs;

/// <summary>Makes the representations of FloatingIPs from their rows; a page costs three queries whatever its size.</summary>
public sealed class FloatingIPResources(Catalog catalog, BgpOptions bgp)
{
    /// <summary>The representations, in the order of <paramref name="rows"/>.</summary>
    public async Task<List<FloatingIPResource>> ReadAsync(NpgsqlConnection connection, IReadOnlyList<FloatingIPRow> rows, CancellationToken ct)
    {
        if (rows.Count == 0) return [];
        var snapshot = await catalog.VerifiedAsync(connection, ct);
        var owners = await FloatingIPOwner.ReadAsync(connection, rows.Where(r => r.ServiceUid is not null).Select(r => r.ServiceUid!.Value), ct);
        var documents = new Dictionary<Guid, string>();
        await using (var command = new NpgsqlCommand("SELECT uid, document::text FROM floating_ip_status WHERE uid = ANY($1)", connection))
        {
            command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. rows.Select(r => r.Uid)] });
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct)) documents[reader.GetGuid(0)] = reader.GetString(1);
        }

        return rows.Select(r => Make(r, r.ServiceUid is { } s ? owners.GetValueOrDefault(s) : null, snapshot, documents.GetValueOrDefault(r.Uid))).ToList();
    }

    /// <summary>The same on a context's connection.</summary>
    public async Task<IReadOnlyList<FloatingIPResource>> ReadAsync(CN2DbContext db, IReadOnlyList<FloatingIPRow> rows, CancellationToken ct) =>
        await ReadAsync(await db.OpenSqlAsync(ct), rows, ct);

    /// <param name="row">The FloatingIP.</param>
    /// <param name="owner">The Service that holds it.</param>
    /// <param name="snapshot">Has the names of the networks.</param>
    /// <param name="document">Its status from floating_ip_status; null: none was written since it was created.</param>
    internal FloatingIPResource Make(FloatingIPRow row, FloatingIPOwner? owner, CatalogSnapshot snapshot, string? document) => StoredDocument.Make(
        row,
        () => Make(row, ApiJson.Read<FloatingIPSpec>(row.Spec), owner, snapshot, document),
        condition =>
        {
            var resource = Make(row, new FloatingIPSpec(), owner is null ? null : new FloatingIPOwner(owner.Name, new ServiceSpec()), snapshot, null);
            return resource with { Status = resource.Status with { State = resource.Status.State == ResourceState.Deleting ? ResourceState.Deleting : ResourceState.Failure, Conditions = [condition] } };
        });

    private FloatingIPResource Make(FloatingIPRow row, FloatingIPSpec spec, FloatingIPOwner? owner, CatalogSnapshot snapshot, string? document)
    {
        var written = StoredDocument.ReadOr<FloatingIPStatus>(document, null);
        var attachments = written?.Attachments ?? [];
        // A marked reservation that a Service holds only loses its Service.
        var deleting = row.DeletingAt is not null && !(row.Reserved && row.ServiceUid is not null);
        var now = FloatingIPStatusCompiler.Compile(new FloatingIPFacts
        {
            Generation = row.Generation,
            Deleting = deleting,
            Kind = row.ExternalNetworkUid is null ? FloatingIPKind.ClusterIP : FloatingIPKind.External,
            Attached = row.ServiceUid is not null || spec.Interfaces.Count > 0,
            BgpEnabled = bgp.Enabled,
        });
        var mappings = owner is null ? spec.PortMappings
            : owner.Spec.Ports.ConvertAll(p => new FloatingIPPortMapping { Protocol = p.Protocol, Port = p.Port, TargetPort = p.TargetPort });
        return new FloatingIPResource
        {
            Name = row.Name,
            Namespace = row.Namespace,
            IsReserved = row.Reserved,
            Uid = row.Uid,
            Labels = row.Labels,
            Annotations = row.Annotations,
            Generation = row.Generation,
            CreatedAt = row.CreatedAt,
            UpdatedAt = row.UpdatedAt,
            Address = row.Address.ToString(),
            ExternalNetwork = row.ExternalNetworkUid is { } network ? snapshot.Network(network)?.Id.ToString() : null,
            Kind = row.ExternalNetworkUid is null ? FloatingIPKind.ClusterIP : FloatingIPKind.External,
            Service = owner?.Name,
            // A reservation shows what the user attached, so that a PUT of it changes nothing; a Service's shows what the selector chose.
            Interfaces = row.Reserved ? spec.Interfaces : attachments.Select(a => a.VirtualMachineInterface).Distinct(StringComparer.Ordinal).ToList(),
            PortMappings = row.Reserved ? spec.PortMappings : mappings,
            PortMapping = PortMappingText.Of(mappings.Select(m => new PortMapping(m.Protocol, (ushort)m.Port, (ushort)m.TargetPort))),
            Status = new FloatingIPStatus(
                deleting ? ResourceState.Deleting
                    : written?.State is ResourceState.Failure ? ResourceState.Failure : ResourceState.Success,
                attachments,
                written?.Routes ?? [],
                StoredDocument.Conditions(row, written?.Conditions ?? [.. now.Conditions.Select(c => ConditionBody.From(c, row.UpdatedAt))])),
        };
    }
}
