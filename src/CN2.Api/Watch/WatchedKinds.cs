using System.Collections.Frozen;
using System.Data;
using System.Runtime.CompilerServices;
using System.Text.Json;
using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Json;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.Watch;

/// <summary>Every kind that can be watched; loads resources as the bytes that GET answers.</summary>
public sealed class WatchedKinds(IEnumerable<IWatchedKind> watched, IDbContextFactory<CN2DbContext> contexts)
{
    /// <summary>Resources of one page of a list.</summary>
    internal int PageSize { get; set; } = 500;

    private readonly FrozenDictionary<ResourceKind, IWatchedKind> _kinds = watched.ToFrozenDictionary(w => w.Kind);

    public IEnumerable<ResourceKind> Kinds => _kinds.Keys;

    /// <summary>Resources by uid, without those that no longer exist.</summary>
    public async Task<Dictionary<Guid, ReadOnlyMemory<byte>>> LoadAsync(IReadOnlyDictionary<ResourceKind, Guid[]> uids, CancellationToken cancellationToken)
    {
        var bodies = new Dictionary<Guid, ReadOnlyMemory<byte>>();
        if (uids.Count == 0) return bodies;
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        foreach (var (kind, some) in uids)
        {
            if (!_kinds.TryGetValue(kind, out var watchedKind)) continue;
            foreach (var resource in await watchedKind.LoadAsync(db, some, cancellationToken)) bodies[resource.Uid] = Bytes(resource);
        }

        return bodies;
    }

    /// <summary>
    /// Every resource that the filter matches, in pages by kind and uid. Each page is read in a transaction of its own, and the connection is
    /// given back before the page is: whoever takes it may be slow. So every page is of another snapshot, which it tells.
    /// </summary>
    public async IAsyncEnumerable<ListedPage> ListAsync(WatchFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var kind in filter.Kinds.Where(_kinds.ContainsKey).OrderBy(k => (short)k))
        {
            Guid? after = Guid.Empty;
            while (after is { } from)
            {
                var page = await ReadPageAsync(kind, filter.Scope, from, cancellationToken);
                after = page.Last;
                yield return page;
            }
        }
    }

    private async Task<ListedPage> ReadPageAsync(ResourceKind kind, NamespaceScope scope, Guid after, CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        var snapshot = FeedSnapshot.Parse((await db.Database.SqlQuery<string>($"SELECT pg_current_snapshot()::text AS \"Value\"").ToListAsync(cancellationToken))[0]);
        var (resources, last) = await _kinds[kind].ListAsync(db, scope, after, PageSize, cancellationToken);
        return new ListedPage(kind, last, snapshot, [.. resources.Select(Bytes)]);
    }

    /// <summary>Reads one resource of each kind, so that its query and its serializer are compiled.</summary>
    public async Task TouchAsync(CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        foreach (var kind in _kinds.Values)
        {
            foreach (var resource in (await kind.ListAsync(db, default, Guid.Empty, 1, cancellationToken)).Resources) _ = Bytes(resource);
        }
    }

    /// <summary>The last document of a deleted resource; only its identity when no document was kept.</summary>
    public ReadOnlyMemory<byte> Document(ChangeRow row) => row.Document is { } document
        ? Compact(document)
        : ApiJson.Bytes(new { row.Name, row.Namespace, row.Uid });

    private static ReadOnlyMemory<byte> Bytes(ResourceBody resource) => JsonSerializer.SerializeToUtf8Bytes(resource, resource.GetType(), ApiJson.Options);

    /// <summary>Without the spaces that jsonb puts in.</summary>
    private static ReadOnlyMemory<byte> Compact(string document)
    {
        using var parsed = JsonDocument.Parse(document);
        return JsonSerializer.SerializeToUtf8Bytes(parsed.RootElement, ApiJson.Options);
    }
}
