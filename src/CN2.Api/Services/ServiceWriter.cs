using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.FloatingIPs;
using CN2.Api.Json;
using CN2.Api.Writes;
using Npgsql;

namespace CN2.Api.Services;

/// <summary>Changes Services that exist: one to another spec, or pending ones that may now get what they lack.</summary>
public sealed class ServiceWriter(Catalog catalog, ServiceAllocation allocation, ServiceResources resources)
{
    /// <summary>Gives a Service another spec. <paramref name="row"/> is locked and not marked for deletion.</summary>
    public async Task<WriteOutcome> ReplaceAsync(WriteScope scope, ServiceRow row, ServiceRequest request, CancellationToken ct)
    {
        var snapshot = await catalog.CurrentAsync(scope.Connection, ct);
        var before = ApiJson.Read<ServiceSpec>(row.Spec);
        var stored = row.Spec;
        scope.Audit.Remember(row.Uid, row.Generation, () => ServiceMapping.ToRequest(row, ApiJson.Read<ServiceSpec>(stored)));
        var spec = request.ToSpec(row.Namespace);
        spec.Moving = before.Moving;
        var document = await StatusDocumentAsync(scope.Connection, row.Uid, ct);
        var all = await FloatingIPTable.OfServicesAsync(scope.Connection, [row.Uid], forUpdate: true, ct);
        var work = new ServiceWork { Row = row, Spec = spec, Before = before, Held = all.FindAll(f => f.DeletingAt is null), ClusterIPs = request.ClusterIPs, Rights = scope.Rights };
        var pendingBefore = (row.PendingReason, row.PendingMessage);
        var metadata = row.ChangeMetadata(request);
        await allocation.RunAsync(scope.Connection, snapshot, [work], scope.Now, ct);
        if (work.Refusal is { } refused) return refused;
        var holdsOthers = work.Added.Count + work.Claimed.Count + work.Retired.Count > 0;
        if (metadata || ApiJson.Text(before) != row.Spec)
        {
            row.Generation++;
            row.UpdatedAt = scope.Now;
        }
        else if (!holdsOthers && pendingBefore == (row.PendingReason, row.PendingMessage))
        {
            return new WriteOutcome.Saved(resources.Make(row, spec, work.Held, snapshot, document));
        }

        await ServiceStatements.WriteAsync(scope, [work], ct);
        return new WriteOutcome.Saved(resources.Make(row, spec, work.Held.Concat(work.Added).Concat(work.Claimed), snapshot, document));
    }

    /// <summary>
    /// Tries again to get what pending Services lack, and the second family of PreferDualStack ones. Services that another transaction
    /// has locked are skipped. Returns how many changed.
    /// </summary>
    public async Task<int> ServeAsync(WriteScope scope, IReadOnlyCollection<Guid> uids, CancellationToken ct)
    {
        var snapshot = await catalog.CurrentAsync(scope.Connection, ct);
        var rows = await ServiceTable.ReadAsync(scope.Connection, "s.uid = ANY($1) AND s.deleting_at IS NULL ORDER BY s.created_at, s.uid FOR UPDATE SKIP LOCKED", ct,
            new NpgsqlParameter<Guid[]> { TypedValue = [.. uids] });
        // One that cannot be read says so where it is shown, and waits for its owner.
        var readable = rows.Select(row => (Row: row, Spec: StoredDocument.ReadOr<ServiceSpec>(row.Spec, null)!)).Where(r => r.Spec is not null).ToList();
        if (readable.Count == 0) return 0;
        var held = (await FloatingIPTable.OfServicesAsync(scope.Connection, readable.Select(r => r.Row.Uid), forUpdate: true, ct)).ToLookup(f => f.ServiceUid!.Value);
        var works = readable.ConvertAll(r => new ServiceWork
        {
            Row = r.Row,
            Spec = r.Spec,
            Before = ApiJson.Read<ServiceSpec>(r.Row.Spec),
            Held = held[r.Row.Uid].Where(f => f.DeletingAt is null).ToList(),
            Serving = true,
        });
        var pending = readable.ConvertAll(r => (r.Row.PendingReason, r.Row.PendingMessage));
        await allocation.RunAsync(scope.Connection, snapshot, works, scope.Now, ct);
        var changed = works.Where((w, i) => w.Refusal is null
            && (w.Added.Count + w.Claimed.Count + w.Retired.Count + w.AskedNodePorts.Count > 0 || pending[i] != (w.Row.PendingReason, w.Row.PendingMessage))).ToList();
        await ServiceStatements.WriteAsync(scope, changed, ct);
        return changed.Count;
    }

    private static async Task<string?> StatusDocumentAsync(NpgsqlConnection connection, Guid uid, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("SELECT document::text FROM service_status WHERE uid = $1", connection);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = uid });
        return await command.ScalarAsync(ct) as string;
    }
}
