using System.Data;
using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Kubernetes.Forms;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Versions;
using Microsoft.EntityFrameworkCore;

namespace CN2.Api.Kubernetes.Lists;

/// <summary>
/// The objects of one kind as JSON, in the order of lists, as of a position of the change feed. A list asks the feed what has changed since, so it costs what
/// has changed, and it has everything that was committed before it was asked for. Kinds with too many objects are not held.
/// </summary>
internal sealed class HeldObjects(IIdentifiedBinding binding, IDbContextFactory<CN2DbContext> contexts, ObjectVersions versions, ChangeFeedReader feed, TimeProvider time) : IDisposable
{
    /// <summary>All objects together, without their rows, which are smaller; bytes.</summary>
    internal const long Most = 32 * 1024 * 1024;

    /// <summary>Objects of one statement.</summary>
    private const int Step = 500;

    /// <summary>After more changes everything is read again.</summary>
    private const int MostChanges = 5_000;

    /// <summary>How long nothing is held after it was too much.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMinutes(1);

    /// <summary>Collations of PostgreSQL that put names in the order of <see cref="Order"/>.</summary>
    private const string IsOrdinalSql = "SELECT datlocprovider = 'c' AND datcollate IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8') FROM pg_database WHERE datname = current_database()";

    private static readonly Comparer<Item> Order = Comparer<Item>.Create((a, b) =>
        string.CompareOrdinal(a.Namespace, b.Namespace) is not 0 and var order ? order : string.CompareOrdinal(a.Name, b.Name));

    private readonly SemaphoreSlim _gate = new(1);
    private Held? _held;
    private long? _restedAt;

    /// <param name="scope">Where they are.</param>
    /// <param name="after">Where the page before ended; null: at the beginning.</param>
    /// <param name="most">At most so many.</param>
    /// <param name="mayRead">All objects are read when none are held; false: the answer is null then.</param>
    /// <param name="ct">Ends the reading.</param>
    public async Task<HeldPage?> PageAsync(NamespaceScope scope, (string Namespace, string Name)? after, int most, bool mayRead, CancellationToken ct)
    {
        if (Volatile.Read(ref _held) is null && (!mayRead || IsResting)) return null;
        var (moment, all) = await CurrentAsync(mayRead, ct);
        if (all is null) return null;
        var ns = scope.Namespace;
        var (behindNs, behindName) = after ?? (ns ?? "", "");
        var at = Array.BinarySearch(all, new Item(behindNs, behindName), Order);
        at = at < 0 ? ~at : at + 1;
        var page = new List<WrittenObject>();
        for (; at < all.Length && page.Count < most && (ns is null || all[at].Namespace == ns); at++)
        {
            if (scope.Has(all[at].Namespace)) page.Add(all[at].Object!);
        }

        var isLast = at == all.Length || (ns is not null && all[at].Namespace != ns);
        return new HeldPage(moment!, page, isLast ? null : (all[at - 1].Namespace, all[at - 1].Name));
    }

    public void Dispose() => _gate.Dispose();

    private bool IsResting => _restedAt is { } at && time.GetElapsedTime(at) < Rest;

    private async Task<(VersionMoment? Moment, Item[]? All)> CurrentAsync(bool mayRead, CancellationToken ct)
    {
        await _gate.WaitAsync(ct);
        try
        {
            if (_held is { } held)
            {
                var moment = await versions.MomentAsync(ct); // before the feed is read: what retention has kept by then is older
                var page = await feed.ReadAsync(held.Position, MostChanges, ct);
                if (page is { Gap: FeedGap.None, More: false })
                {
                    var changed = page.Rows.Where(r => r.Kind == binding.Kind).Select(r => r.Uid).Distinct().ToArray();
                    var all = changed.Length == 0 ? held.All : Change(held.All, changed, await LoadAsync(changed, ct));
                    _held = changed.Length > 0 && SizeOf(all) > Most ? Forget() : new Held(page.End, all);
                    return (moment with { Seen = page.Upper }, all);
                }

                _held = null;
            }

            if (!mayRead || IsResting) return (null, null);
            var begin = await feed.EndAsync(ct);
            var (first, read) = await ReadAllAsync(ct);
            _held = read is null ? Forget() : new Held(begin, read);
            return (first, read);
        }
        finally
        {
            _gate.Release();
        }
    }

    private Held? Forget()
    {
        _restedAt = time.GetTimestamp();
        return null;
    }

    /// <summary>Null: there are too many.</summary>
    private async Task<(VersionMoment Moment, Item[]? All)> ReadAllAsync(CancellationToken ct)
    {
        VersionMoment? first = null;
        var all = new List<Item>();
        var size = 0L;
        (string, string)? after = null;
        do
        {
            await using var db = await contexts.CreateDbContextAsync(ct);
            await using var transaction = await db.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
            var connection = await db.OpenSqlAsync(ct);
            first ??= await versions.MomentAsync(connection, ct);
            if (after is null && !(await Sql.ReadAllAsync(connection, IsOrdinalSql, row => row.GetBoolean(0), ct))[0]) return (first, null);
            var identities = await binding.IdentitiesAsync(connection, new ObjectRange(default, null, after, Step), ct);
            var items = await LoadAsync(db, identities, ct);
            all.AddRange(items);
            size += items.Sum(i => (long)i.Object!.Body.Length);
            if (size > Most) return (first, null);
            after = identities.Count < Step ? null : (identities[^1].Namespace, identities[^1].Name);
        }
        while (after is not null);
        return (first, [.. all]);
    }

    private async Task<List<Item>> LoadAsync(Guid[] uids, CancellationToken ct)
    {
        await using var db = await contexts.CreateDbContextAsync(ct);
        await using var transaction = await db.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
        return await LoadAsync(db, await binding.IdentitiesAsync(await db.OpenSqlAsync(ct), uids, ct), ct);
    }

    /// <summary>In the order of the identities, without what no longer exists.</summary>
    private async Task<List<Item>> LoadAsync(CN2DbContext db, List<ObjectIdentity> identities, CancellationToken ct)
    {
        Guid[] uids = [.. identities.Select(i => i.Uid)];
        var known = await versions.ReadAsync(await db.OpenSqlAsync(ct), uids, ct);
        var written = (await binding.LoadAsync(db, uids, ct)).ToDictionary(b => b.Uid, b => new WrittenObject(FormWriter.Bytes(json => ShownObject.Of(binding, b, known[b.Uid]).WriteTo(json))));
        return [.. identities.Where(i => written.ContainsKey(i.Uid)).Select(i => new Item(i.Namespace, i.Name, i.Uid, written[i.Uid]))];
    }

    private static Item[] Change(Item[] all, Guid[] changed, List<Item> now)
    {
        var list = all.ToList();
        var gone = changed.ToHashSet();
        list.RemoveAll(i => gone.Contains(i.Uid));
        foreach (var item in now)
        {
            // Two that change names with each other may be seen halfway; the other one's change comes next.
            var at = list.BinarySearch(item, Order);
            if (at < 0) list.Insert(~at, item);
            else list[at] = item;
        }

        return [.. list];
    }

    private static long SizeOf(Item[] all) => all.Sum(i => (long)i.Object!.Body.Length);

    /// <param name="Position">Everything up to here is in <paramref name="All"/>.</param>
    /// <param name="All">In the order of lists. Never changed.</param>
    private sealed record Held(FeedPosition Position, Item[] All);

    /// <param name="Namespace">What lists go by; of the resource.</param>
    /// <param name="Name">The same.</param>
    /// <param name="Uid">Of the object.</param>
    /// <param name="Object">Null: a place in the order that is looked for.</param>
    private sealed record Item(string Namespace, string Name, Guid Uid = default, WrittenObject? Object = null);
}
