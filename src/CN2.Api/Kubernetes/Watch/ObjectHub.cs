using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Kubernetes.Lists;
using CN2.Api.Kubernetes.Versions;
using CN2.Api.Watch;

namespace CN2.Api.Kubernetes.Watch;

/// <summary>
/// Makes events of the pages of the change feed that <see cref="WatchHub"/> reads for all watches of this process: each changed object is read once,
/// however many watchers there are.
/// </summary>
internal sealed class ObjectHub : IFeedFollower
{
    private static readonly TimeSpan MomentAge = TimeSpan.FromSeconds(30);
    private readonly ConcurrentDictionary<ObjectSubscription, byte> _subscriptions = new();
    private readonly WatchHub _hub;
    private readonly ObjectVersions _versions;
    private readonly TimeProvider _time;
    private volatile (VersionMoment Moment, long At)[] _moment = [];

    public ObjectHub(WatchHub hub, ObjectVersions versions, TimeProvider time)
    {
        (_hub, _versions, _time) = (hub, versions, time);
        hub.Follow(this);
    }

    public bool IsIdle => _subscriptions.IsEmpty;

    /// <summary>A moment of the last half minute in this epoch of the feed.</summary>
    public async Task<VersionMoment> MomentAsync(CancellationToken ct)
    {
        if (_moment is [var known] && _time.GetElapsedTime(known.At) < MomentAge) return known.Moment;
        var moment = await _versions.MomentAsync(ct);
        _moment = [(moment, _time.GetTimestamp())];
        return moment;
    }

    /// <summary>Starts to deliver the changes after <see cref="ObjectSubscription.Start"/>.</summary>
    public Task<ObjectSubscription> SubscribeAsync(IObjectReader reader, string? ns, CancellationToken ct) => _hub.JoinAsync(start =>
    {
        var subscription = new ObjectSubscription(this, reader, ns, start);
        _subscriptions.TryAdd(subscription, 0);
        return subscription;
    }, ct);

    public void Remove(ObjectSubscription subscription) => _subscriptions.TryRemove(subscription, out _);

    public async Task<Action> PrepareAsync(FeedPage page, CancellationToken ct)
    {
        var subscriptions = _subscriptions.Keys.ToList();
        var deliveries = new List<(ObjectSubscription To, ObjectEvent Event)>();
        foreach (var group in page.Rows.Count == 0 ? [] : subscriptions.GroupBy(s => s.Reader))
        {
            var all = group.ToList();
            var events = await ToEventsAsync(group.Key, page.Rows.FindAll(r => all.Exists(s => IsIn(s, r))), page.Upper, ct);
            foreach (var e in events) deliveries.AddRange(all.Where(s => IsIn(s, e.Change)).Select(s => (s, e)));
        }

        return () =>
        {
            foreach (var (to, e) in deliveries) to.Deliver(e);
            foreach (var subscription in subscriptions) subscription.Advance(page.End);
        };
    }

    public void End()
    {
        _moment = [];
        foreach (var subscription in _subscriptions.Keys) subscription.End();
    }

    /// <summary>
    /// One event for each object, where its last row is in the order of the feed. So whoever has seen an event has seen what was visible before its
    /// transaction, and may resume from its version.
    /// </summary>
    /// <param name="reader">Of the kind.</param>
    /// <param name="rows">In the order of the feed.</param>
    /// <param name="upper">What the reading of the rows saw.</param>
    /// <param name="ct">Ends the reading.</param>
    public async Task<List<ObjectEvent>> ToEventsAsync(IObjectReader reader, IReadOnlyList<ChangeRow> rows, FeedSnapshot upper, CancellationToken ct)
    {
        var last = new Dictionary<Guid, (ChangeRow Row, bool IsAdded)>();
        foreach (var row in rows)
        {
            if (reader.ObjectOf(row) is { } uid) last[uid] = (row, row.Verb == ChangeVerb.Added || last.GetValueOrDefault(uid).IsAdded);
        }

        if (last.Count == 0) return [];
        var objects = (await reader.LoadAsync([.. last.Where(l => l.Value.Row.Verb != ChangeVerb.Deleted).Select(l => l.Key)], ct)).ToDictionary(UidOf);
        var began = (await MomentAsync(ct)).EpochBegan;
        var events = new List<ObjectEvent>(last.Count);
        foreach (var (uid, (row, isAdded)) in last.OrderBy(l => (l.Value.Row.Xid, l.Value.Row.Id)))
        {
            if (row.Verb == ChangeVerb.Deleted)
            {
                if (reader.LastOf(row) is not { } gone) continue;
                SetVersion(gone, ResourceVersion.Of(began, row.Xid));
                events.Add(new ObjectEvent(row, ChangeVerb.Deleted, uid, gone));
            }
            else if (objects.TryGetValue(uid, out var source))
            {
                // It has changed once more since the page was read. Its newest version would claim other changes of the page that come after it.
                if (VersionOf(source) is var version && version.Transaction != row.Xid && !upper.Sees(version.Transaction)) SetVersion(source, ResourceVersion.Of(began, row.Xid));
                events.Add(new ObjectEvent(row, isAdded ? ChangeVerb.Added : ChangeVerb.Modified, uid, source));
            }
        }

        return events;
    }

    private static Guid UidOf(JsonObject source) => Guid.Parse(source["metadata"]!["uid"]!.GetValue<string>());

    private static ResourceVersion VersionOf(JsonObject source) =>
        ResourceVersion.TryParse(source["metadata"]!["resourceVersion"]?.GetValue<string>(), out var version) ? version : default;

    private static void SetVersion(JsonObject source, ResourceVersion version) => source["metadata"]!["resourceVersion"] = version.ToString();

    private static bool IsIn(ObjectSubscription subscription, ChangeRow row) => subscription.Namespace is null || row.Namespace == subscription.Namespace;
}
