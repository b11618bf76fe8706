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
    public const string Beginning = "0.0";

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
                foreach (var data in page.Bodies) yield return new SseItem<ReadOnlyMemory<byte>>(data, "added") { EventId = Beginning };
            }
        }

        // The list may take longer than a subscription can wait, so what happened since its beginning comes from the feed.
        var end = await feed.EndAsync(cancellationToken);
        await foreach (var e in CatchUpAsync(from, end, listed, cancellationToken))
        {
            if (e is null) yield break;
            yield return Item(e);
        }

        using var live = await subscribe(cancellationToken);
        // A new epoch has begun meanwhile: the client begins again.
        if (live.Start.Epoch != end.Epoch) yield break;
        await foreach (var e in CatchUpAsync(end, live.Start, listed, cancellationToken))
        {
            if (e is null) yield break;
            yield return Item(e);
        }

        if (after is null)
        {
            var reached = live.Start.Seen.Includes(end.Seen) ? live.Start : end;
            yield return new SseItem<ReadOnlyMemory<byte>>("{}"u8.ToArray(), "synced") { EventId = reached.ToString() };
        }

        do
        {
            while (live.TryRead(out var e))
            {
                if (!end.Covers(e.Change.Xid, e.Change.Id) && !listed.Saw(e.Change)) yield return Item(e);
            }

            await body.FlushAsync(cancellationToken);
        }
        while (await WaitForEventAsync(live, body, cancellationToken));
    }

    /// <summary>The changes between two positions that the list did not show. Null: the feed does not lead on from there, and the client begins again.</summary>
    private async IAsyncEnumerable<WatchEvent?> CatchUpAsync(
        FeedPosition from, FeedPosition end, ListedPages listed, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (from.Epoch == end.Epoch && end.Xid == 0 && from.Seen.Includes(end.Seen)) yield break;
        var read = from;
        while (true)
        {
            var page = await feed.ReadAsync(read, CatchUpSize, cancellationToken);
            if (page.Gap != FeedGap.None)
            {
                yield return null;
                yield break;
            }

            // Later changes come afterwards, and no token here may claim them.
            var rows = page.Rows.FindAll(r => end.Covers(r.Xid, r.Id) && filter.Matches(r) && !listed.Saw(r));
            foreach (var (_, e) in await hub.ToEventsAsync(rows, _ => true, r => from.After(end.Seen, r.Xid, r.Id), cancellationToken)) yield return e;
            if (!page.More || page.Rows[^1].Xid > Math.Max(end.Seen.Xmax, end.Xid)) yield break;
            read = page.End;
        }
    }

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
