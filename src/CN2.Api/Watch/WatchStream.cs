using System.Buffers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using CN2.Api.Data;

namespace CN2.Api.Watch;

/// <summary>
/// Writes the body of one <c>GET /v1/watch</c>. The framework frames the events (<see cref="SseFormatter"/>);
/// <c>TypedResults.ServerSentEvents</c> is not used, because it cannot write comments (the heartbeat) and flushes after every event.
/// </summary>
internal sealed class WatchStream(WatchSubscription subscription, WatchHub hub, WatchedKinds kinds, ChangeFeedReader feed, TimeProvider time)
{
    /// <summary>Events of the initial list carry this id: it names no change, so a client that was cut off before <c>synced</c> gets the whole list again.</summary>
    public const string Beginning = "0.0";

    /// <summary>Proxies and clients close a connection on which nothing comes.</summary>
    public static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(15);

    /// <summary>Sends events until the client was too slow. <paramref name="after"/> is the resume token; without it the initial list comes first.</summary>
    public Task SendAsync(Stream body, FeedPosition? after, CancellationToken cancellationToken)
    {
        // The formatter writes each event by itself; the buffer joins the events of a list or a burst into fewer packets.
        var buffered = new BufferedStream(body, 16 * 1024);
        return SseFormatter.WriteAsync(EventsAsync(after, buffered, cancellationToken), buffered, static (item, writer) => writer.Write(item.Data.Span), cancellationToken);
    }

    private async IAsyncEnumerable<SseItem<ReadOnlyMemory<byte>>> EventsAsync(
        FeedPosition? after, BufferedStream body, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // What the subscription delivers may have been sent already: in the list, or before the client resumed.
        var had = after;
        if (after is { } from)
        {
            await foreach (var e in CatchUpAsync(from, cancellationToken)) yield return Item(e);
        }
        else
        {
            await foreach (var (position, resource) in kinds.ListAsync(subscription.Filter, cancellationToken))
            {
                had = position;
                if (resource is { } data) yield return new SseItem<ReadOnlyMemory<byte>>(data, "added") { EventId = Beginning };
            }

            // A new epoch began between the subscription and the list: the client begins again.
            if (had!.Epoch != subscription.Start.Epoch) yield break;
            yield return Item(new WatchEvent(had, "synced", "{}"u8.ToArray()));
        }

        do
        {
            while (subscription.Events.TryRead(out var e))
            {
                if (!had!.Covers(e.Position.Xid, e.Position.Id)) yield return Item(e);
            }

            await body.FlushAsync(cancellationToken);
        }
        while (await WaitForEventAsync(body, cancellationToken));
    }

    /// <summary>The changes between the resume token and the first change that the subscription delivers.</summary>
    private async IAsyncEnumerable<WatchEvent> CatchUpAsync(FeedPosition from, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var start = subscription.Start;
        while (true)
        {
            var page = await feed.ReadAsync(from, WatchHub.PageSize, cancellationToken);
            if (page.Gap != FeedGap.None) yield break; // since it was checked; the subscription ends as well
            // Later changes come by the subscription, and no token here may claim them.
            var rows = page.Rows.FindAll(r => start.Covers(r.Xid, r.Id));
            var begin = from;
            foreach (var (_, e) in await hub.ToEventsAsync(rows, subscription.Filter.Matches, r => begin.After(start.Seen, r.Xid, r.Id), cancellationToken)) yield return e;
            if (!page.More) yield break;
            from = page.End;
        }
    }

    /// <summary>Sends heartbeats until there is an event; false when the hub ended the subscription.</summary>
    private async Task<bool> WaitForEventAsync(BufferedStream body, CancellationToken cancellationToken)
    {
        var next = subscription.Events.WaitToReadAsync(cancellationToken).AsTask();
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
