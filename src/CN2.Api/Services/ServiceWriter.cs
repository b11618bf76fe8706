using CN2.Api.Allocation;
using CN2.Api.Data;
using CN2.Api.Data.Documents;
using CN2.Api.Data.Rows;
using CN2.Api.FloatingIPs;
using CN2.Api.Json;
using CN2.Api.Options;
using CN2.Api.Writes;
using Npgsql;

namespace CN2.Api.Services;

/// <summary>A Service about to be created.</summary>
internal sealed record ServiceDraft(string Namespace, ServiceRequest Request);

/// <summary>
/// Writes Services by plain SQL inside a given transaction: creates any number at once, replaces one, marks one for deletion. Every
/// method may run again from the start after <see cref="AllocationRecovery"/>.
/// </summary>
internal sealed class ServiceWriter(ControlNodeOptions control, Catalog catalog, ServiceResources resources)
{
    private readonly ServiceAllocation _allocation = new(control.ClusterName);

    /// <summary>One outcome for each draft, in order. A refused one leaves the others alone; a constraint violation concerns all.</summary>
    public async Task<IReadOnlyList<WriteOutcome>> CreateAsync(
        NpgsqlConnection connection, CatalogSnapshot snapshot, IReadOnlyList<ServiceDraft> drafts, DateTimeOffset now, ChangeList changes, CancellationToken ct)
    {
        var works = new ServiceWork[drafts.Count];
        for (var i = 0; i < works.Length; i++)
        {
            var (ns, request) = drafts[i];
            works[i] = new ServiceWork
            {
                Row = new ServiceRow
                {
                    Uid = Guid.CreateVersion7(now),
                    Namespace = ns,
                    Name = request.Name!,
                    Labels = request.Labels ?? [],
                    Annotations = request.Annotations ?? [],
                    Generation = 1,
                    CreatedAt = now,
                    UpdatedAt = now,
                    Spec = "",
                },
                Spec = request.ToSpec(ns),
            };
        }

        await _allocation.RunAsync(connection, snapshot, works, now, ct);
        await PreferExistsAsync(connection, works, ct);
        await ServiceStatements.WriteAsync(connection, works.Where(w => w.Refusal is null).ToList(), now, changes, ct);
        return Array.ConvertAll(works, w => w.Refusal is { } refused
            ? (WriteOutcome)refused
            : new WriteOutcome.Created(resources.Make(w.Row, w.Spec, w.Added.Concat(w.Claimed), snapshot, null)));
    }

    /// <summary>What a request is refused because its like of before has it (the address it asks for) exists already: that is its answer.</summary>
    private static async Task PreferExistsAsync(NpgsqlConnection connection, IReadOnlyList<ServiceWork> works, CancellationToken ct)
    {
        foreach (var work in works.Where(w => w.Refusal is { Status: StatusCodes.Status409Conflict }))
        {
            await using var command = new NpgsqlCommand("SELECT EXISTS (SELECT FROM service WHERE namespace = $1 AND name = $2)", connection);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = work.Row.Namespace });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = work.Row.Name });
            if (await command.ExecuteScalarAsync(ct) is true) work.Refusal = ServiceProblems.Exists(work.Row.Namespace, work.Row.Name);
        }
    }

    /// <summary>Gives a Service another spec. <paramref name="row"/> is locked and not being deleted.</summary>
    public async Task<WriteOutcome> ReplaceAsync(
        NpgsqlConnection connection, ServiceRow row, ServiceRequest request, DateTimeOffset now, ChangeList changes, CancellationToken ct)
    {
        var snapshot = await catalog.CurrentAsync(connection, ct);
        var before = ApiJson.Read<ServiceSpec>(row.Spec);
        var spec = request.ToSpec(row.Namespace);
        spec.Moving = before.Moving;
        var document = await StatusDocumentAsync(connection, row.Uid, ct);
        var all = await FloatingIPRows.OfServicesAsync(connection, [row.Uid], forUpdate: true, ct);
        var work = new ServiceWork { Row = row, Spec = spec, Before = before, Held = all.FindAll(f => f.DeletingAt is null) };
        var pendingBefore = (row.PendingReason, row.PendingMessage);
        var metadata = row.ChangeMetadata(request);
        await _allocation.RunAsync(connection, snapshot, [work], now, ct);
        if (work.Refusal is { } refused) return refused;
        var holdsOthers = work.Added.Count + work.Claimed.Count + work.Retired.Count > 0;
        if (metadata || ApiJson.Text(before) != row.Spec)
        {
            row.Generation++;
            row.UpdatedAt = now;
        }
        else if (!holdsOthers && pendingBefore == (row.PendingReason, row.PendingMessage))
        {
            return new WriteOutcome.Saved(resources.Make(row, spec, work.Held, snapshot, document));
        }

        await ServiceStatements.WriteAsync(connection, [work], now, changes, ct);
        return new WriteOutcome.Saved(resources.Make(row, spec, work.Held.Concat(work.Added).Concat(work.Claimed), snapshot, document));
    }

    /// <summary>
    /// Tries again to get what pending Services lack, and the second family of PreferDualStack ones. Those that are being written
    /// by somebody else just now are left for another time. Returns how many of them changed.
    /// </summary>
    public async Task<int> ServeAsync(
        NpgsqlConnection connection, CatalogSnapshot snapshot, IReadOnlyCollection<Guid> uids, DateTimeOffset now, ChangeList changes, CancellationToken ct)
    {
        var rows = await ServiceRows.ReadAsync(connection, "s.uid = ANY($1) AND s.deleting_at IS NULL ORDER BY s.created_at, s.uid FOR UPDATE SKIP LOCKED", ct,
            new NpgsqlParameter<Guid[]> { TypedValue = [.. uids] });
        if (rows.Count == 0) return 0;
        var held = (await FloatingIPRows.OfServicesAsync(connection, rows.Select(r => r.Uid), forUpdate: true, ct)).ToLookup(f => f.ServiceUid!.Value);
        var works = rows.ConvertAll(row => new ServiceWork
        {
            Row = row,
            Spec = ApiJson.Read<ServiceSpec>(row.Spec),
            Before = ApiJson.Read<ServiceSpec>(row.Spec),
            Held = held[row.Uid].Where(f => f.DeletingAt is null).ToList(),
            Serving = true,
        });
        var pending = rows.ConvertAll(r => (r.PendingReason, r.PendingMessage));
        await _allocation.RunAsync(connection, snapshot, works, now, ct);
        var changed = works.Where((w, i) => w.Refusal is null
            && (w.Added.Count + w.Claimed.Count + w.Retired.Count + w.AskedNodePorts.Count > 0 || pending[i] != (w.Row.PendingReason, w.Row.PendingMessage))).ToList();
        if (changed.Count > 0) await ServiceStatements.WriteAsync(connection, changed, now, changes, ct);
        return changed.Count;
    }

    private static async Task<string?> StatusDocumentAsync(NpgsqlConnection connection, Guid uid, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("SELECT document::text FROM service_status WHERE uid = $1", connection);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = uid });
        return await command.ExecuteScalarAsync(ct) as string;
    }
}
