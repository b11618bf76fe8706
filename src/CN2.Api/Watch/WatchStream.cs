using System.Buffers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using CN2.Api.Data;
using CN2.Network.Resources;

namespace CN2.Api.Watch;

/// <summary>
/// Writes the body of one <c>GET /v1/watch</c>. The framework frames the events (<see cref="SseFormatter"/>);
/// <c>TypedResults.ServerSentEvents</c> is not used, because it cannot write comments (the heartbeat) and flushes after every event.
/// </summary>
/// <param name="filter">What the client asked for.</param>
/// <param name="subscribe">Begins the delivery of what happens from then on.</param>
internal sealed class WatchStream(
    WatchFilter filter, Func<CancellationToken, Task<WatchSubscription>> subscribe, WatchHub hub, WatchedKinds kinds, ChangeFeedReader feed, TimeProvider time)
{
    /// <summary>Events of the initial list carry this id: it names no change, so a client that was cut off before <c>synced</c> gets the whole list again.</summary>
    public static readonly FeedPosition Beginning = new(0, 0);

    /// <summary>Proxies and clients close a connection on which nothing comes.</summary>
    public static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(15);

    /// <summary>Changes that are read at once for a client that catches up.</summary>
    private const int CatchUpSize = 100;

    /// <summary>Sends events until the client was too slow. <paramref name="after"/> is the resume token; without it the initial list comes first.</summary>
    /// <exception cref="TimeoutException">The client hardly reads.</exception>
    public Task SendAsync(Stream body, FeedPosition? after, CancellationToken cancellationToken)
    {
        // The formatter writes each event by itself; the buffer joins the events of a list or a burst into fewer packets.
        var buffered = new BufferedStream(new PatientStream(body, TimeSpan.FromSeconds(Limits.WatchWriteSeconds), time), 16 * 1024);
        return SseFormatter.WriteAsync(EventsAsync(after, buffered, cancellationToken), buffered, static (item, writer) => writer.Write(item.Data.Span), cancellationToken);
    }

    private async IAsyncEnumerable<SseItem<ReadOnlyMemory<byte>>> EventsAsync(
        FeedPosition? after, BufferedStream body, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // No connection to the database is held at a yield: the client may be slow to take the event.
        var listed = new ListedPages();
        var from = after ?? await feed.EndAsync(cancellationToken);
        if (after is null)
        {
            await foreach (var page in kinds.ListAsync(filter, cancellationToken))
            {
                listed.Add(page);
                foreach (var data in page.Bodies) yield return Item(new WatchEvent(Beginning, "added", data));
            }
        }

        // The list may take longer than a subscription can wait, so what happened since its beginning comes from the feed.
        var end = await feed.EndAsync(cancellationToken);
        await foreach (var e in CatchUpAsync(from, end, listed, cancellationToken)) yield return Item(e);
        using var live = await subscribe(cancellationToken);
        from = Later(from, end);
        await foreach (var e in CatchUpAsync(from, live.Start, listed, cancellationToken)) yield return Item(e);
        from = Later(from, live.Start);
        if (after is null) yield return Item(new WatchEvent(from, "synced", "{}"u8.ToArray()));

        do
        {
            while (live.TryRead(out var e))
            {
                if (e.Position.CompareTo(from) > 0 && !(e.Change is { } change && listed.Saw(change))) yield return Item(e);
            }

            await body.FlushAsync(cancellationToken);
        }
        while (await WaitForEventAsync(live, body, cancellationToken));
    }

    /// <summary>The changes between two positions that the list did not show.</summary>
    private async IAsyncEnumerable<WatchEvent> CatchUpAsync(
        FeedPosition from, FeedPosition end, ListedPages listed, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (from.CompareTo(end) < 0)
        {
            var rows = await feed.ReadAsync(from, CatchUpSize, cancellationToken);
            rows.RemoveAll(r => new FeedPosition(r.Xid, r.Id).CompareTo(end) > 0);
            if (rows.Count == 0) yield break;
            foreach (var (_, e) in await hub.ToEventsAsync(rows, r => filter.Matches(r) && !listed.Saw(r), cancellationToken)) yield return e;
            from = new FeedPosition(rows[^1].Xid, rows[^1].Id);
        }
    }

    private static FeedPosition Later(FeedPosition one, FeedPosition other) => one.CompareTo(other) > 0 ? one : other;

    /// <summary>Sends heartbeats until there is an event; false when the hub ended the subscription.</summary>
    private async Task<bool> WaitForEventAsync(WatchSubscription live, BufferedStream body, CancellationToken cancellationToken)
    {
        var next = live.WaitToReadAsync(cancellationToken).AsTask();
        while (true)
        {
            await ((Task)next).WaitAsync(HeartbeatInterval, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (next.IsCompleted) return await next;
            await body.WriteAsync(": heartbeat\n\n"u8.ToArray(), cancellationToken);
            await body.FlushAsync(cancellationToken);
        }
    }

    private static SseItem<ReadOnlyMemory<byte>> Item(WatchEvent e) => new(e.Data, e.Verb) { EventId = e.Position.ToString() };
}
