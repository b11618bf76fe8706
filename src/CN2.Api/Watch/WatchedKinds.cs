using System.Collections.Frozen;
using System.Data;
using System.Runtime.CompilerServices;
using System.Text.Json;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Json;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CN2.Api.Watch;

/// <summary>Every kind that can be watched; loads resources as the bytes that GET answers.</summary>
public sealed class WatchedKinds(IEnumerable<IWatchedKind> watched, ChangeFeedReader feed, IDbContextFactory<CN2DbContext> contexts)
{
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

    /// <summary>Every resource that the filter matches, all from one database snapshot. The first item has no body: it tells the position even when nothing matches.</summary>
    public async IAsyncEnumerable<(FeedPosition Position, ReadOnlyMemory<byte>? Body)> ListAsync(
        WatchFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        var position = await feed.EndAsync(await db.OpenSqlAsync(cancellationToken), cancellationToken)
            ?? throw new NpgsqlException("The database is not the one it was; the list begins again.");
        yield return (position, null);
        foreach (var kind in filter.Kinds.Where(_kinds.ContainsKey).OrderBy(k => (short)k))
        {
            var after = Guid.Empty;
            while (true)
            {
                var page = await _kinds[kind].ListAsync(db, filter.Namespace, after, 500, cancellationToken);
                foreach (var resource in page)
                {
                    yield return (position, Bytes(resource));
                    if (resource.Uid.CompareTo(after) > 0) after = resource.Uid;
                }

                if (page.Count < 500) break;
            }
        }
    }

    /// <summary>Reads one resource of each kind, so that its query and its serializer are compiled.</summary>
    public async Task TouchAsync(CancellationToken cancellationToken)
    {
        await using var db = await contexts.CreateDbContextAsync(cancellationToken);
        foreach (var kind in _kinds.Values)
        {
            foreach (var resource in await kind.ListAsync(db, null, Guid.Empty, 1, cancellationToken)) _ = Bytes(resource);
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
