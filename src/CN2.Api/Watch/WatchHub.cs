using System.Collections.Concurrent;
using System.Threading.Channels;
using CN2.Api.Data;
using CN2.Api.Data.Rows;

namespace CN2.Api.Watch;

/// <summary>What one client wants to hear of.</summary>
public sealed record WatchFilter(IReadOnlySet<ResourceKind> Kinds, string? Namespace)
{
    public bool Matches(ChangeRow change) => Kinds.Contains(change.Kind) && (Namespace is null || change.Namespace == Namespace);
}

/// <summary>One event, ready to send; <paramref name="Data"/> is the resource as GET answers it.</summary>
public sealed record WatchEvent(FeedPosition Position, string Verb, ReadOnlyMemory<byte> Data);

/// <summary>
/// Reads the change feed once for all clients of this process and hands each what its filter matches. A client that does not keep up
/// is cut off (its channel ends): it comes back with its token.
/// </summary>
public sealed partial class WatchHub(
    ChangeFeedReader feed, WatchedKinds kinds, ChangeSignal signal, ILogger<WatchHub> logger) : BackgroundService
{
    private const int PageSize = 500;
    private readonly ConcurrentDictionary<Subscription, byte> _subscriptions = new();
    private readonly SemaphoreSlim _reading = new(1);
    private FeedPosition? _position;

    /// <summary>
    /// Starts delivering; what comes through the channel is everything after the returned position. Dispose it at the end.
    /// </summary>
    public async Task<Subscription> SubscribeAsync(WatchFilter filter, CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken);
        try
        {
            // Nobody was listening: nothing was read, begin at the end.
            if (_subscriptions.IsEmpty || _position is null) _position = await feed.EndAsync(cancellationToken);
            var subscription = new Subscription(this, filter, _position.Value);
            _subscriptions.TryAdd(subscription, 0);
            return subscription;
        }
        finally
        {
            _reading.Release();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var waiter = signal.Subscribe();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await waiter.WaitAsync(TimeSpan.FromSeconds(1), stoppingToken);
                while (await DeliverPageAsync(stoppingToken))
                {
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (PostgresErrors.IsAway(e))
            {
                Waiting(logger, e.GetBaseException().Message);
                await Task.Delay(TimeSpan.FromSeconds(1), stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Makes events of rows: the resources as they are now, or the document of what is gone.</summary>
    internal async Task<List<(ChangeRow Change, WatchEvent Event)>> ToEventsAsync(
        IReadOnlyList<ChangeRow> rows, Func<ChangeRow, bool> wanted, CancellationToken cancellationToken)
    {
        var chosen = rows.Where(r => r.Kind != ResourceKind.ControlNode && wanted(r)).ToList();
        // Of several changes of one resource in a row only the last is worth sending: they all carry the same representation.
        var last = new Dictionary<Guid, ChangeRow>();
        foreach (var row in chosen) last[row.Uid] = row;
        var resources = await kinds.LoadAsync(
            chosen.Where(r => r.Verb != ChangeVerb.Deleted).GroupBy(r => r.Kind).ToDictionary(g => g.Key, g => g.Select(r => r.Uid).Distinct().ToArray()),
            cancellationToken);
        var events = new List<(ChangeRow, WatchEvent)>(chosen.Count);
        foreach (var row in chosen)
        {
            var position = new FeedPosition(row.Xid, row.Id);
            if (row.Verb == ChangeVerb.Deleted)
                events.Add((row, new WatchEvent(position, "deleted", kinds.Document(row))));
            else if ((row.Verb == ChangeVerb.Added || last[row.Uid] == row) && resources.TryGetValue(row.Uid, out var body))
                events.Add((row, new WatchEvent(position, row.Verb == ChangeVerb.Added ? "added" : "modified", body)));
        }

        return events;
    }

    private async Task<bool> DeliverPageAsync(CancellationToken cancellationToken)
    {
        if (_subscriptions.IsEmpty) return false;
        await _reading.WaitAsync(cancellationToken);
        try
        {
            if (_position is not { } position) return false;
            var rows = await feed.ReadAsync(position, PageSize, cancellationToken);
            if (rows.Count == 0) return false;
            var subscriptions = _subscriptions.Keys.ToList();
            foreach (var (change, e) in await ToEventsAsync(rows, r => subscriptions.Exists(s => s.Filter.Matches(r)), cancellationToken))
            {
                foreach (var subscription in subscriptions)
                {
                    if (subscription.Filter.Matches(change)) subscription.Deliver(e);
                }
            }

            _position = new FeedPosition(rows[^1].Xid, rows[^1].Id);
            return rows.Count == PageSize;
        }
        finally
        {
            _reading.Release();
        }
    }

    [LoggerMessage(EventId = 120, Level = LogLevel.Warning, Message = "Watches wait for the database: {Reason}")]
    private static partial void Waiting(ILogger logger, string reason);

    /// <summary>One client's end: events in order, ending when it was too slow.</summary>
    public sealed class Subscription : IDisposable
    {
        private const int Bound = 10_000;
        private readonly WatchHub _hub;
        private readonly Channel<WatchEvent> _events = Channel.CreateBounded<WatchEvent>(new BoundedChannelOptions(Bound) { SingleReader = true, SingleWriter = true });

        internal Subscription(WatchHub hub, WatchFilter filter, FeedPosition start)
        {
            _hub = hub;
            Filter = filter;
            Start = start;
        }

        public WatchFilter Filter { get; }

        /// <summary>Everything after it comes through <see cref="Events"/>.</summary>
        public FeedPosition Start { get; }

        public ChannelReader<WatchEvent> Events => _events.Reader;

        internal void Deliver(WatchEvent e)
        {
            if (!_events.Writer.TryWrite(e)) _events.Writer.TryComplete();
        }

        public void Dispose() => _hub._subscriptions.TryRemove(this, out _);
    }
}
