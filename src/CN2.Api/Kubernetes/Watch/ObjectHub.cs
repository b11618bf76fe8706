using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using CN2.Api.Access;
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
internal sealed partial class ObjectHub : IFeedFollower
{
    private static readonly TimeSpan MomentAge = TimeSpan.FromSeconds(30);
    private readonly ConcurrentDictionary<ObjectSubscription, byte> _subscriptions = new();
    private readonly WatchHub _hub;
    private readonly ObjectVersions _versions;
    private readonly TimeProvider _time;
    private readonly ILogger<ObjectHub> _logger;
    private volatile (VersionMoment Moment, long At)[] _moment = [];

    public ObjectHub(WatchHub hub, ObjectVersions versions, TimeProvider time, ILogger<ObjectHub> logger)
    {
        (_hub, _versions, _time, _logger) = (hub, versions, time, logger);
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
    public Task<ObjectSubscription> SubscribeAsync(IObjectReader reader, NamespaceScope scope, CancellationToken ct) => _hub.JoinAsync(start =>
    {
        var subscription = new ObjectSubscription(this, reader, scope, start);
        _subscriptions.TryAdd(subscription, 0);
        return subscription;
    }, ct);

    public void Remove(ObjectSubscription subscription) => _subscriptions.TryRemove(subscription, out _);

    public async Task<Action> PrepareAsync(FeedPage page, CancellationToken ct)
    {
        var subscriptions = _subscriptions.Keys.ToList();
        var deliveries = new List<(ObjectSubscription To, ObjectEvent Event)>();
        foreach (var group in subscriptions.GroupBy(s => s.Reader))
        {
            var all = group.ToList();
            List<ObjectEvent> events;
            try
            {
                events = await ToEventsAsync(group.Key, page, r => all.Exists(s => ObjectEvent.MayBeIn(s.Scope, r)), ct);
            }
            catch (Exception e) when (e is not OperationCanceledException && !PostgresErrors.IsAway(e))
            {
                // One kind that cannot be shown is not everybody's: its watchers list again.
                Unreadable(_logger, group.Key.Resource.Plural, e.GetBaseException().Message);
                foreach (var subscription in all) subscription.End();
                continue;
            }

            foreach (var e in events) deliveries.AddRange(all.Where(s => e.IsIn(s.Scope)).Select(s => (s, e)));
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

    /// <summary>What a page of the feed says of the objects of a kind; of a log, the objects that came between its two positions.</summary>
    /// <param name="reader">Of the kind.</param>
    /// <param name="page">As it was read.</param>
    /// <param name="isWanted">Leaves out changes.</param>
    /// <param name="ct">Ends the reading.</param>
    public async Task<List<ObjectEvent>> ToEventsAsync(IObjectReader reader, FeedPage page, Func<ChangeRow, bool> isWanted, CancellationToken ct)
    {
        if (await reader.CameAsync(page.Begin.Seen, page.End.Seen, ct) is not { } came) return await ToEventsAsync(reader, page.Rows.FindAll(r => isWanted(r)), ct);
        if (came.Count == 0) return [];
        // Who resumes from one of them has seen what was there before the page.
        var version = (await MomentAsync(ct) with { Seen = page.Begin.Seen }).Version;
        var events = new List<ObjectEvent>(came.Count);
        foreach (var (transaction, source) in came)
        {
            SetVersion(source, version);
            var row = new ChangeRow { Xid = transaction, Id = long.MaxValue, Namespace = OwnerOf(source), Name = source["metadata"]!["name"]!.GetValue<string>(), Verb = ChangeVerb.Added };
            if (isWanted(row)) events.Add(new ObjectEvent(row, ChangeVerb.Added, UidOf(source), source, reader.Resource));
        }

        return events;
    }

    /// <summary>
    /// One event for each object, where its last row is in the order of the feed. So whoever has seen an event has seen what was visible before its
    /// transaction, and may resume from its version.
    /// </summary>
    /// <param name="reader">Of the kind.</param>
    /// <param name="rows">In the order of the feed.</param>
    /// <param name="ct">Ends the reading.</param>
    private async Task<List<ObjectEvent>> ToEventsAsync(IObjectReader reader, List<ChangeRow> rows, CancellationToken ct)
    {
        var last = new Dictionary<Guid, (ChangeRow Row, bool IsAdded)>();
        foreach (var row in rows.Where(reader.Follows)) last[row.Uid] = (row, row.Verb == ChangeVerb.Added || last.GetValueOrDefault(row.Uid).IsAdded);
        if (last.Count == 0) return [];
        var began = (await MomentAsync(ct)).EpochBegan;
        var events = new List<ObjectEvent>(last.Count);
        var gone = last.Where(l => l.Value.Row.Verb == ChangeVerb.Deleted).Select(l => l.Key).ToHashSet();
        var objects = await reader.LoadAsync(last.Keys, ct);
        // One that is made of all resources of a kind is there although some of them are gone.
        if (objects.Any(o => !last.ContainsKey(o.Changed))) gone.Clear();
        foreach (var (changed, source) in objects)
        {
            gone.Remove(changed);
            var (row, isAdded) = last.TryGetValue(changed, out var own) ? own : (last.Values.MaxBy(l => (l.Row.Xid, l.Row.Id)).Row, false);
            // It has changed once more: since the page was read, or behind it. Its newest version would claim changes that come after this event.
            if (VersionOf(source).Transaction != row.Xid) SetVersion(source, ResourceVersion.Of(began, row.Xid));
            events.Add(new ObjectEvent(row, isAdded ? ChangeVerb.Added : ChangeVerb.Modified, UidOf(source), source, reader.Resource));
        }

        foreach (var uid in gone)
        {
            var row = last[uid].Row;
            var source = reader.LastOf(row);
            SetVersion(source, ResourceVersion.Of(began, row.Xid));
            events.Add(new ObjectEvent(row, ChangeVerb.Deleted, uid, source, reader.Resource));
        }

        events.Sort((a, b) => (a.Xid, a.Id).CompareTo((b.Xid, b.Id)));
        return events;
    }

    /// <summary>An object of a log is an event: it belongs to the namespace of what it is about.</summary>
    private static string? OwnerOf(JsonObject source) => source["involvedObject"]?["namespace"]?.GetValue<string>();

    private static Guid UidOf(JsonObject source) => Guid.Parse(source["metadata"]!["uid"]!.GetValue<string>());

    private static ResourceVersion VersionOf(JsonObject source) =>
        ResourceVersion.TryParse(source["metadata"]!["resourceVersion"]?.GetValue<string>(), out var version) ? version : default;

    private static void SetVersion(JsonObject source, ResourceVersion version) => source["metadata"]!["resourceVersion"] = version.ToString();

    [LoggerMessage(EventId = 192, Level = LogLevel.Warning, Message = "Changes of {Resource} cannot be shown, and its watchers list again: {Reason}")]
    private static partial void Unreadable(ILogger logger, string resource, string reason);
}
