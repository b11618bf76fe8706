using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Http;
using CN2.Api.Json;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Writes;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CN2.Api.Kubernetes.Objects;

/// <summary>A kind of which every object is a resource of one kind of <c>/v1</c>.</summary>
internal abstract class ResourceBinding<TRow, TRequest>(RequestReader requests) : IObjectBinding
    where TRow : ResourceRow where TRequest : ResourceRequest
{
    public abstract ResourceDefinition Definition { get; }

    public abstract ObjectMapping Mapping { get; }

    public virtual IReadOnlyList<string> Immutable => [];

    ResourceKind? IObjectBinding.Kind => Kind;

    protected abstract ResourceKind Kind { get; }

    public async Task<BoundObject?> FindAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct) =>
        await FindRowAsync(connection, ns, name, ct) is { } row ? (await BindAsync(connection, [row], ct))[0] : null;

    public virtual async Task<ObjectPage> ListAsync(CN2DbContext db, ObjectRange range, CancellationToken ct)
    {
        var query = ListQuery.Of(range.Most, range.Selector, range.After);
        var rows = await PageAsync(db, range.Scope, query, ct);
        // One row more than the limit only shows that there is a next page.
        var page = rows.Count > query.Limit ? rows.GetRange(0, query.Limit) : rows;
        var bound = await BindAsync(await db.OpenSqlAsync(ct), page, ct);
        return new ObjectPage(bound, page.Count < rows.Count ? ((page[^1] as NamespacedRow)?.Namespace ?? "", page[^1].Name) : null);
    }

    public virtual async Task<IReadOnlyList<BoundObject>> LoadAsync(CN2DbContext db, IReadOnlyCollection<Guid> uids, CancellationToken ct) =>
        await BindAsync(await db.OpenSqlAsync(ct), await db.Set<TRow>().AsNoTracking().Where(r => uids.Contains(r.Uid)).ToListAsync(ct), ct);

    public async Task<BoundObject?> LockAsync(WriteScope scope, string? ns, string name, CancellationToken ct) =>
        await LockRowAsync(scope, ns, name, ct) is { } row ? (await BindAsync(scope.Connection, [row], ct))[0] : null;

    public async Task<ObjectOutcome> CreateAsync(WriteScope scope, ObjectDraft draft, CancellationToken ct)
    {
        var (request, refused) = ReadRequest(draft, null);
        return refused ?? (await CreateAsync(scope, draft.Namespace, request!, ct)).ToOutcome(draft);
    }

    public async Task<ObjectOutcome> ReplaceAsync(WriteScope scope, BoundObject current, ObjectDraft draft, CancellationToken ct)
    {
        var row = (TRow)current.Row!;
        var (request, refused) = ReadRequest(draft, await ToRequestAsync(scope, row, ct));
        return refused ?? (await ReplaceAsync(scope, row, request!, ct)).ToOutcome(draft);
    }

    public async Task<ObjectOutcome> DeleteAsync(WriteScope scope, BoundObject current, CancellationToken ct) =>
        await DeleteAsync(scope, (TRow)current.Row!, ct) switch
        {
            WriteOutcome.Gone => new ObjectOutcome.Gone(),
            WriteOutcome.Deleting deleting => new ObjectOutcome.Deleting(deleting.Resource.Bind(current.Namespace, current.Name) with { Kept = current.Kept }),
            WriteOutcome.Refused refused => DeletionRefused((TRow)current.Row!, refused.Problem),
            var other => throw new InvalidOperationException($"A deletion came to {other.GetType().Name}"),
        };

    public IEnumerable<(string Path, string Message)> FaultsOf(ObjectDraft draft, bool isNew) =>
        ReadRequest(draft, null, isNew).Refused?.Faults ?? [];

    protected abstract Task<TRow?> FindRowAsync(NpgsqlConnection connection, string? ns, string name, CancellationToken ct);

    /// <summary>The rows of a page in the order of namespace and name, as <see cref="Listing"/> reads them.</summary>
    protected abstract Task<List<TRow>> PageAsync(CN2DbContext db, NamespaceScope scope, ListQuery query, CancellationToken ct);

    /// <summary>The resources, in the order of the rows.</summary>
    protected abstract Task<IReadOnlyList<ResourceBody>> ReadAsync(NpgsqlConnection connection, IReadOnlyList<TRow> rows, CancellationToken ct);

    protected abstract Task<TRow?> LockRowAsync(WriteScope scope, string? ns, string name, CancellationToken ct);

    /// <summary>The request that, as a PUT, changes nothing.</summary>
    protected abstract Task<TRequest> ToRequestAsync(WriteScope scope, TRow row, CancellationToken ct);

    protected abstract Task<WriteOutcome> CreateAsync(WriteScope scope, string? ns, TRequest request, CancellationToken ct);

    protected abstract Task<WriteOutcome> ReplaceAsync(WriteScope scope, TRow row, TRequest request, CancellationToken ct);

    protected abstract Task<WriteOutcome> DeleteAsync(WriteScope scope, TRow row, CancellationToken ct);

    /// <summary>Whether a deletion that <c>/v1</c> refuses waits.</summary>
    protected virtual ObjectOutcome DeletionRefused(TRow row, ApiProblem problem) => problem.ToDeletion();

    /// <summary>The namespace and name of the object of a resource.</summary>
    protected virtual (string? Namespace, string Name) IdentityOf(ResourceBody resource) => (Definition.IsNamespaced ? resource.Namespace : null, resource.Name);

    public bool IsResource => true;

    public virtual string NameOf(JsonObject resource) => resource["name"]!.GetValue<string>();

    /// <summary>Changes a draft before the mapping reads it; such as another name.</summary>
    protected virtual JsonObject Prepare(ObjectDraft draft) => draft.Object;

    /// <summary>Adds what the mapping cannot know to a request, and faults by the object's own paths.</summary>
    /// <param name="draft">The object.</param>
    /// <param name="request">What the mapping made of it.</param>
    /// <param name="current">The request that changes nothing; null: the object is new, or only its faults are wanted.</param>
    /// <param name="faults">What is wrong.</param>
    /// <param name="isNew">There is no resource yet.</param>
    protected virtual void Complete(ObjectDraft draft, JsonObject request, TRequest? current, FaultList faults, bool isNew)
    {
    }

    /// <summary>Adds to a valid request what no request of <c>/v1</c> can say.</summary>
    protected virtual void Extend(ObjectDraft draft, TRequest request)
    {
    }

    protected async Task<List<BoundObject>> BindAsync(NpgsqlConnection connection, IReadOnlyList<TRow> rows, CancellationToken ct)
    {
        if (rows.Count == 0) return [];
        var resources = await ReadAsync(connection, rows, ct);
        var kept = await KubernetesObjectTable.OfAsync(connection, Definition.QualifiedName, [.. rows.Select(r => r.Uid)], ct);
        var bound = new List<BoundObject>(rows.Count);
        for (var i = 0; i < rows.Count; i++)
        {
            var (ns, name) = IdentityOf(resources[i]);
            bound.Add(resources[i].Bind(ns, name) with { Kept = kept.GetValueOrDefault(rows[i].Uid), Row = rows[i] });
        }

        return bound;
    }

    /// <summary>The request of <c>/v1</c> that a draft stands for, validated. Exactly one of the results is set.</summary>
    /// <param name="draft">The object.</param>
    /// <param name="current">The request that changes nothing; null: the object is new.</param>
    protected (TRequest? Request, ObjectOutcome? Refused) ReadRequest(ObjectDraft draft, TRequest? current) => ReadRequest(draft, current, current is null);

    private (TRequest? Request, ObjectOutcome? Refused) ReadRequest(ObjectDraft draft, TRequest? current, bool isNew)
    {
        var faults = new FaultList();
        var source = Prepare(draft);
        var json = current is null ? Mapping.ToRequest(source, faults) : Mapping.ToRequest(source, RequestReader.ToJson(current), faults);
        Complete(draft, json, current, faults, isNew);
        var (request, refused) = requests.Read<TRequest>(Mapping, json, faults, isNew);
        if (request is not null) Extend(draft, request);
        return (request, refused);
    }
}
