using CN2.Api.Allocation;
using CN2.Api.Audit;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Writes;
using Npgsql;

namespace CN2.Api.Services;

/// <summary>Creates Services, any number of them in one transaction: the statements are the same for one and for many.</summary>
internal sealed class ServiceCreation(Catalog catalog, ServiceAllocation allocation, ServiceResources resources) : ISharedDecision<ServiceDraft>
{
    public async Task<IReadOnlyList<WriteOutcome>> DecideAsync(WriteScope scope, IReadOnlyList<ServiceDraft> items, CancellationToken ct)
    {
        // The first statement of the allocation compares the catalog's version with the database.
        var snapshot = await catalog.CurrentAsync(scope.Connection, ct);
        var works = items.Select(item => ToWork(item, scope.Now)).ToList();
        await allocation.RunAsync(scope.Connection, snapshot, works, scope.Now, ct);
        await PreferExistsAsync(scope.Connection, works, ct);
        for (var i = 0; i < works.Count; i++)
        {
            if (works[i] is { Refusal: null, Row: var row } && items[i].Origin is { } origin)
                scope.Audit.Add(new AuditEntry(origin, scope.Now, new AuditSubject(ResourceKind.Service.Collection(), row.Namespace, row.Name, row.Uid, row.Generation), StatusCodes.Status201Created));
        }

        var moment = await ServiceStatements.WriteAsync(scope, works.FindAll(w => w.Refusal is null), ct);
        return works.ConvertAll(w => w.Refusal is { } refused
            ? (WriteOutcome)refused
            : new WriteOutcome.Created(resources.Make(w.Row, w.Spec, w.Added.Concat(w.Claimed), snapshot, null), moment));
    }

    /// <summary>Null for a Service that asks for an address or a node port, because another holder may well have it.</summary>
    public string? KeyOf(ServiceDraft item) =>
        item.Request.LoadBalancerIPs is { Count: > 0 } || item.Request.ClusterIPs.Count > 0 || item.Request.Ports?.Exists(p => p.NodePort is not null) == true ? null : $"{item.Namespace}/{item.Request.Name}";

    private static ServiceWork ToWork(ServiceDraft draft, DateTimeOffset now)
    {
        var uid = Guid.CreateVersion7(now);
        return new ServiceWork
        {
            Row = NewRow(draft, uid, now),
            Spec = draft.Request.ToSpec(draft.Namespace),
            Kept = draft.Kept?.Invoke(uid, now),
            Rights = draft.Rights,
            ClusterIPs = draft.Request.ClusterIPs,
        };
    }

    private static ServiceRow NewRow(ServiceDraft draft, Guid uid, DateTimeOffset now) => new()
    {
        Uid = uid,
        Namespace = draft.Namespace,
        Name = draft.Request.Name!,
        Labels = draft.Request.Labels ?? [],
        Annotations = draft.Request.Annotations ?? [],
        Generation = 1,
        CreatedAt = now,
        UpdatedAt = now,
        Spec = "",
    };

    /// <summary>If a create fails because an earlier identical create took the address or the last of a quota, the answer is already-exists.</summary>
    private static async Task PreferExistsAsync(NpgsqlConnection connection, IReadOnlyList<ServiceWork> works, CancellationToken ct)
    {
        foreach (var work in works.Where(w => w.Refusal is { Status: StatusCodes.Status409Conflict or StatusCodes.Status403Forbidden }))
        {
            await using var command = new NpgsqlCommand("SELECT EXISTS (SELECT FROM service WHERE namespace = $1 AND name = $2)", connection);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = work.Row.Namespace });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = work.Row.Name });
            if (await command.ScalarAsync(ct) is true) work.Refusal = ServiceProblems.Exists(work.Row.Namespace, work.Row.Name);
        }
    }
}
