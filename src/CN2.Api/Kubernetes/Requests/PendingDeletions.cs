using CN2.Api.Access;
using CN2.Api.Audit;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Options;
using CN2.Api.Writes;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>
/// Tries again to delete what is marked and has no finalizers of clients. Of a namespace that is marked, the content is deleted first. Also decides about
/// objects that belong to others (<see cref="ObjectOwners"/>). All replicas may do it: each object is locked. Nothing is kept in memory, so a restart
/// loses nothing.
/// </summary>
internal sealed partial class PendingDeletions(
    ListenerOptions listen, ObjectBindings bindings, ObjectDeletion deletion, ObjectOwners owners, TransactionRunner runner, NpgsqlDataSource source, IDbContextFactory<CN2DbContext> contexts,
    TimeProvider time, ILogger<PendingDeletions> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Objects of one look, and objects of a namespace that are deleted in one.</summary>
    private const int Most = 100;

    /// <summary>Marked, and no client has anything to do before the object goes.</summary>
    private const string Marked =
        $$"""
         o.deleting_at IS NOT NULL AND o.uid > $1
             AND NOT EXISTS (SELECT FROM json_array_elements_text(coalesce(o.document #> '{metadata,finalizers}', '[]')) f WHERE f NOT IN ('{{ObjectOwners.Foreground}}', '{{ObjectOwners.Orphan}}'))
         ORDER BY o.uid LIMIT $2
         """;

    private Guid _after = Guid.Empty;
    private Guid _afterUnchecked = Guid.Empty;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (listen.KubernetesUrl is null) return;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await LookAsync(stoppingToken);
                await CheckOwnersAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                Failed(logger, e.GetBaseException().Message);
            }

            await Task.Delay(Interval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>One look at the marked objects behind those of the look before.</summary>
    internal async Task LookAsync(CancellationToken ct)
    {
        List<KubernetesObjectRow> marked;
        await using (var connection = await source.OpenConnectionAsync(ct))
        {
            marked = await KubernetesObjectTable.ReadAsync(connection, Marked, ct, Sql.Value(_after), Sql.Value(Most));
        }

        _after = marked.Count == Most ? marked[^1].Uid : Guid.Empty;
        foreach (var row in marked)
        {
            if (bindings.Find(row.Resource) is not { } binding) continue;
            if (binding.Definition == NamespaceSchema.Definition) await EmptyAsync(row, ct);
            await TryAsync($"{row.Resource} {row.Namespace}/{row.Name}", async (scope, token) =>
            {
                if (!await owners.ReleaseAsync(scope, row, token)) return false;
                var done = await deletion.FinishAsync(scope, binding, row.NamespaceOrNull, row.Name, token);
                return done is { Failure: null };
            }, ct);
        }
    }

    /// <summary>One look at the objects that belong to others and were changed, or of which an owner has gone.</summary>
    internal async Task CheckOwnersAsync(CancellationToken ct)
    {
        List<KubernetesObjectRow> owned;
        await using (var connection = await source.OpenConnectionAsync(ct))
            owned = await KubernetesObjectTable.ReadAsync(connection, "o.owners_unchecked AND o.uid > $1 ORDER BY o.uid LIMIT $2", ct, Sql.Value(_afterUnchecked), Sql.Value(Most));
        _afterUnchecked = owned.Count == Most ? owned[^1].Uid : Guid.Empty;
        foreach (var row in owned) await TryAsync($"{row.Resource} {row.Namespace}/{row.Name}", (scope, token) => owners.CheckAsync(scope, row, token), ct);
    }

    /// <summary>One object that cannot be deleted keeps no other waiting.</summary>
    private async Task TryAsync(string what, Func<WriteScope, CancellationToken, Task<bool>> delete, CancellationToken ct)
    {
        try
        {
            await runner.RunAsync(async (scope, token) =>
            {
                scope.Rights = CallerRights.All; // whoever asked for the deletion was allowed to
                var isDone = await delete(scope, token);
                if (!isDone) scope.Discard();
                return isDone;
            }, ct);
        }
        catch (Exception e) when (!ct.IsCancellationRequested && !PostgresErrors.IsAway(e))
        {
            Waits(logger, what, e.GetBaseException().Message);
        }
    }

    private async Task EmptyAsync(KubernetesObjectRow marked, CancellationToken ct)
    {
        var (ns, origin) = (marked.Name, await OriginAsync(marked, ct));
        foreach (var binding in bindings.All.Where(b => b.Definition.IsNamespaced && b.Definition.Verbs.Contains("delete")))
        {
            ObjectPage page;
            await using (var db = await contexts.CreateDbContextAsync(ct)) page = await binding.ListAsync(db, new ObjectRange(ns, null, null, Most), ct);
            await AskAsync(binding, page.Items, origin, ct);
        }

        // FloatingIPs are in no namespace here, and belong to one of /v1; those of Services go with these.
        var addresses = bindings.Find(FloatingIPSchemas.FloatingIP)!;
        await using var context = await contexts.CreateDbContextAsync(ct);
        var reserved = await context.FloatingIPs.Where(f => f.Namespace == ns && f.Reserved && f.DeletingAt == null).OrderBy(f => f.Uid).Select(f => f.Uid).Take(Most).ToListAsync(ct);
        await AskAsync(addresses, await addresses.LoadAsync(context, reserved, ct), origin, ct);
    }

    /// <summary>The request that asked for the deletion of a Namespace: the entries of its content name it as well.</summary>
    private async Task<AuditOrigin> OriginAsync(KubernetesObjectRow marked, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        return await AuditTable.FindOriginAsync(connection, marked.DeletingAt!.Value, marked.Uid, ct) ?? AuditOrigin.OfForgotten("DELETE", $"/api/v1/namespaces/{marked.Name}");
    }

    private async Task AskAsync(IObjectBinding binding, IReadOnlyList<BoundObject> items, AuditOrigin origin, CancellationToken ct)
    {
        foreach (var item in items.Where(i => !ObjectDeletion.IsAsked(i)))
        {
            await TryAsync($"{binding.Definition.QualifiedName} {item.Namespace}/{item.Name}", async (scope, token) =>
            {
                if (!await deletion.AskAsync(scope, binding, item.Namespace, item.Name, token)) return false;
                // What is a part of another goes with that, which has an entry.
                if (item.VersionUid is null) ObjectAudit.Add(scope, origin, StatusCodes.Status200OK);
                return true;
            }, ct);
        }
    }

    [LoggerMessage(EventId = 191, Level = LogLevel.Warning, Message = "{What} cannot be deleted yet, and is tried again: {Reason}")]
    private static partial void Waits(ILogger logger, string what, string reason);

    [LoggerMessage(EventId = 190, Level = LogLevel.Warning, Message = "Marked objects of the Kubernetes API wait, and are looked at again: {Reason}")]
    private static partial void Failed(ILogger logger, string reason);
}
