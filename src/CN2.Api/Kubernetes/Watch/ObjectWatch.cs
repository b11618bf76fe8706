using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Kubernetes.Forms;
using CN2.Api.Kubernetes.Lists;

namespace CN2.Api.Kubernetes.Watch;

/// <summary>
/// Sends the lines of one watch: first all objects if the client wants them, then what has changed since its version, then what changes. Events are
/// relative to the client's selector: an object that no longer matches is DELETED for it.
/// </summary>
internal sealed class ObjectWatch(
    ObjectHub hub, IObjectReader reader, ListRequest request, NamespaceScope scope, ObjectForm form, Func<FormWriter> writer, ChangeFeedReader feed, TimeProvider time)
{
    /// <summary>How often a client that takes bookmarks gets one.</summary>
    public static readonly TimeSpan BookmarkInterval = TimeSpan.FromMinutes(1);

    /// <summary>Objects of one step of the first list: what a watcher that does not read holds of it.</summary>
    internal const int ListStep = 100;

    /// <summary>Changes that are read at once for a client that catches up.</summary>
    private const int CatchUpSize = 100;

    private const string TooOld = "too old resource version: what happened since is no longer kept";

    /// <summary>The objects that the client has; null: no object begins or ceases to match, so nobody needs to remember.</summary>
    private readonly HashSet<Guid>? _known = CanChange(request.Selector) ? [] : null;

    private bool _isFirst = true;
    private bool _isOfVersion;
    private Task<bool>? _next;
    private ObjectSubscription? _live;

    /// <summary>The hub delivers no more: the client is too slow, or the feed does not go on.</summary>
    internal bool IsCut => _live?.IsEnded == true;

    /// <summary>Sends events until the time is over, or the client was too slow.</summary>
    /// <param name="body">Of the answer.</param>
    /// <param name="begin">Where the changes begin.</param>
    /// <param name="isOfVersion">That is the client's version; otherwise the end of the feed when it asked.</param>
    /// <param name="ct">The client is gone, or the time is over.</param>
    public async Task SendAsync(Stream body, FeedPosition begin, bool isOfVersion, CancellationToken ct)
    {
        var isWhole = !isOfVersion && request.HasInitialEvents != false;
        _isOfVersion = isOfVersion;
        if (isWhole || _known is not null) await ListAsync(body, isWhole, ct);

        // The list may take longer than a subscription can wait, so what happened since its beginning comes from the feed.
        var end = await feed.EndAsync(ct);
        if (!await CatchUpAsync(body, begin, end, ct)) return;
        using var live = _live = await hub.SubscribeAsync(reader, scope, ct);
        if (live.Start.Epoch != end.Epoch)
        {
            await FailAsync(body, ct);
            return;
        }

        if (!await CatchUpAsync(body, end, live.Start, ct)) return;
        if (request is { HasInitialEvents: true, HasBookmarks: true }) await BookmarkAsync(body, live.Start.Seen.Includes(end.Seen) ? live.Start : end, isEndOfList: true, ct);
        var told = time.GetTimestamp();
        do
        {
            var reached = live.Reached;
            while (live.TryRead(out var e))
            {
                if (!end.Covers(e.Xid, e.Id)) await SendAsync(body, e, isCatchingUp: false, ct);
            }

            if (request.HasBookmarks && time.GetElapsedTime(told) >= BookmarkInterval && reached.Xid == 0)
            {
                await BookmarkAsync(body, reached, isEndOfList: false, ct);
                told = time.GetTimestamp();
            }

            await body.FlushAsync(ct);
        }
        while (await WaitAsync(live, ct));
        await FailAsync(body, ct);
    }

    /// <summary>Tells the client to list again.</summary>
    public static async Task FailAsync(Stream body, CancellationToken ct)
    {
        await WatchLines.WriteAsync(body, WatchLines.Error, WatchLines.Expired(TooOld), ct);
        await body.FlushAsync(ct);
    }

    private async Task ListAsync(Stream body, bool isSent, CancellationToken ct)
    {
        (string, string)? after = null;
        do
        {
            (var shown, after) = await NextAsync(after, isSent, ct);
            foreach (var bytes in shown) await WatchLines.WriteAsync(body, WatchLines.Added, bytes, ct);
        }
        while (after is not null);
        await body.FlushAsync(ct);
    }

    /// <summary>The next objects of the first list, already in the client's form: while it does not read, nothing else is held for it. Those that lists hold are shared.</summary>
    private async Task<(List<byte[]> Shown, (string, string)? Last)> NextAsync((string, string)? after, bool isSent, CancellationToken ct)
    {
        if (form is ObjectForm.Whole && request.Selector.IsEverything && await reader.HeldAsync(scope, after, ListStep, mayRead: true, ct) is { } held)
            return ([.. held.Objects.Select(o => o.Body)], held.Last);
        var page = await reader.ReadAsync(scope, request.Selector.Labels, after, ListStep, ct);
        var shown = new List<byte[]>();
        foreach (var source in page.Objects.Where(request.Selector.Matches))
        {
            _known?.Add(UidOf(source));
            if (isSent) shown.Add(Bytes(source, TakeFirst()));
        }

        return (shown, page.Last);
    }

    /// <summary>Sends the changes between two positions. False: the feed does not lead on from there; the client was told.</summary>
    private async Task<bool> CatchUpAsync(Stream body, FeedPosition from, FeedPosition end, CancellationToken ct)
    {
        if (from.Epoch == end.Epoch && end.Xid == 0 && from.Seen.Includes(end.Seen)) return true;
        var read = from;
        while (true)
        {
            var page = await feed.ReadAsync(read, CatchUpSize, ct);
            if (page.Gap != FeedGap.None)
            {
                await FailAsync(body, ct);
                return false;
            }

            var events = await hub.ToEventsAsync(reader, page, r => end.Covers(r.Xid, r.Id) && ObjectEvent.MayBeIn(scope, r) && !IsKnown(r), ct);
            foreach (var e in events.Where(e => e.IsIn(scope))) await SendAsync(body, e, isCatchingUp: true, ct);
            if (!page.More || page.Rows[^1].Xid > Math.Max(end.Seen.Xmax, end.Xid)) break;
            read = page.End;
        }

        await body.FlushAsync(ct);
        return true;
    }

    /// <summary>A client that watches one object from the object's own version has seen everything of that transaction.</summary>
    private bool IsKnown(ChangeRow row) =>
        request.Version is { IsList: false } version && row.Xid == version.Transaction && request.Selector.Fields.ValueOf(SelectableFields.Name) is not null;

    private ValueTask SendAsync(Stream body, ObjectEvent e, bool isCatchingUp, CancellationToken ct) =>
        TypeOf(e, isCatchingUp) is { } type ? WatchLines.WriteAsync(body, type, e.Write(form, TakeFirst(), Bytes), ct) : ValueTask.CompletedTask;

    /// <summary>What the event is to this client; null: nothing.</summary>
    private string? TypeOf(ObjectEvent e, bool isCatchingUp)
    {
        var matches = e.Matches(request.Selector);
        if (_known is null) return !matches ? null : e.Verb == ChangeVerb.Deleted ? WatchLines.Deleted : e.Verb == ChangeVerb.Added ? WatchLines.Added : WatchLines.Modified;
        // What a client had at its version is not known: it may have had what has changed since.
        isCatchingUp &= _isOfVersion;
        var had = !matches || e.Verb == ChangeVerb.Deleted ? _known.Remove(e.Uid) || (isCatchingUp && (matches || e.Verb == ChangeVerb.Modified)) : !_known.Add(e.Uid);
        if (!matches || e.Verb == ChangeVerb.Deleted) return had ? WatchLines.Deleted : null;
        return had && e.Verb != ChangeVerb.Added ? WatchLines.Modified : WatchLines.Added;
    }

    private async ValueTask BookmarkAsync(Stream body, FeedPosition reached, bool isEndOfList, CancellationToken ct)
    {
        var moment = await hub.MomentAsync(ct);
        var metadata = new JsonObject { ["resourceVersion"] = (moment with { Seen = reached.Seen }).Version.ToString(), ["creationTimestamp"] = null };
        if (isEndOfList) metadata["annotations"] = new JsonObject { ["k8s.io/initial-events-end"] = "true" };
        var mark = new JsonObject { ["kind"] = reader.Resource.Kind, ["apiVersion"] = reader.Resource.ApiVersion, ["metadata"] = metadata };
        await WatchLines.WriteAsync(body, WatchLines.Bookmark, Bytes(mark, TakeFirst()), ct);
    }

    private bool TakeFirst()
    {
        var isFirst = _isFirst;
        _isFirst = false;
        return isFirst && form is ObjectForm.Table;
    }

    private byte[] Bytes(JsonObject source, bool hasColumns) => FormWriter.Bytes(json => writer().WriteObject(json, source, hasColumns));

    /// <summary>Until there is an event, or a bookmark is due. False: the hub ended the subscription.</summary>
    private async Task<bool> WaitAsync(ObjectSubscription live, CancellationToken ct)
    {
        var next = _next ??= live.WaitToReadAsync(ct).AsTask();
        await ((Task)next).WaitAsync(BookmarkInterval, time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ct.ThrowIfCancellationRequested();
        if (!next.IsCompleted) return true;
        _next = null;
        return await next;
    }

    /// <summary>Names and namespaces stay; labels and other fields may change.</summary>
    private static bool CanChange(ObjectSelector selector) =>
        selector.Labels.Requirements.Count > 0 || selector.Fields.Requirements.Any(r => r.Path is not (SelectableFields.Name or SelectableFields.Namespace));

    private static Guid UidOf(JsonObject source) => Guid.Parse(source["metadata"]!["uid"]!.GetValue<string>());
}
