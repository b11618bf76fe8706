using System.Collections.Concurrent;
using CN2.Api.Data;
using CN2.Api.Data.Rows;

namespace CN2.Api.Watch;

/// <summary>
/// Reads the change feed once for all clients of this process and gives each client the changes that its filter matches. The stream of
/// a client that does not keep up is ended; the client resumes with its token. When a new epoch of the database begins
/// (<see cref="FeedEpochs"/>) all streams end, and the tokens are refused.
/// </summary>
public sealed partial class WatchHub(
    ChangeFeedReader feed, WatchedKinds kinds, ChangeSignal signal, TimeProvider time, ILogger<WatchHub> logger) : BackgroundService
{
    internal const int PageSize = 500;
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<WatchSubscription, byte> _subscriptions = new();
    private readonly ConcurrentBag<IFeedFollower> _followers = [];
    private readonly SemaphoreSlim _reading = new(1);

    /// <summary>Where the feed was read to; null: it is not read, and the next client begins at its end.</summary>
    private FeedPosition? _position;

    private bool IsIdle => _subscriptions.IsEmpty && _followers.All(f => f.IsIdle);

    /// <summary>Starts to deliver the changes after <see cref="WatchSubscription.Start"/>.</summary>
    public Task<WatchSubscription> SubscribeAsync(WatchFilter filter, CancellationToken cancellationToken) => JoinAsync(start =>
    {
        var subscription = new WatchSubscription(this, filter, start);
        _subscriptions.TryAdd(subscription, 0);
        return subscription;
    }, cancellationToken);

    /// <summary>Calls <paramref name="join"/> between two pages, with the position after which the next one begins.</summary>
    internal async Task<T> JoinAsync<T>(Func<FeedPosition, T> join, CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken);
        try
        {
            // The feed is not read while there is no client, so the first one begins at its end.
            if (IsIdle || _position is null) _position = await feed.EndAsync(cancellationToken);
            return join(_position);
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>Gives every page to the follower from now on.</summary>
    internal void Follow(IFeedFollower follower) => _followers.Add(follower);

    internal void Remove(WatchSubscription subscription) => _subscriptions.TryRemove(subscription, out _);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var waiter = signal.Subscribe();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await waiter.WaitAsync(LookInterval, stoppingToken);
                while (await DeliverPageAsync(stoppingToken))
                {
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                // Whatever it is, it is the watches' alone: the server goes on, and the page is read again.
                Waiting(logger, e.GetBaseException().Message);
                await Task.Delay(LookInterval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Makes events of changes: with the resource as it is now, or with the last document of a deleted one.</summary>
    /// <param name="rows">In the order of the feed.</param>
    /// <param name="wanted">Those that somebody asked for.</param>
    /// <param name="position">Of a row: the resume token after it.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    internal async Task<List<(ChangeRow Change, WatchEvent Event)>> ToEventsAsync(
        IReadOnlyList<ChangeRow> rows, Func<ChangeRow, bool> wanted, Func<ChangeRow, FeedPosition> position, CancellationToken cancellationToken)
    {
        var chosen = rows.Where(r => r.Kind != ResourceKind.Announcements && wanted(r)).ToList();
        // Every change of a resource would carry the same representation, so of its modifications only the last is sent.
        var last = new Dictionary<Guid, ChangeRow>();
        foreach (var row in chosen) last[row.Uid] = row;
        var resources = await kinds.LoadAsync(
            chosen.Where(r => r.Verb != ChangeVerb.Deleted).GroupBy(r => r.Kind).ToDictionary(g => g.Key, g => g.Select(r => r.Uid).Distinct().ToArray()),
            cancellationToken);
        var events = new List<(ChangeRow, WatchEvent)>(chosen.Count);
        foreach (var row in chosen)
        {
            if (row.Verb == ChangeVerb.Deleted)
                events.Add((row, new WatchEvent(position(row), "deleted", kinds.Document(row), row)));
            else if ((row.Verb == ChangeVerb.Added || last[row.Uid] == row) && resources.TryGetValue(row.Uid, out var body))
                events.Add((row, new WatchEvent(position(row), row.Verb == ChangeVerb.Added ? "added" : "modified", body, row)));
        }

        return events;
    }

    private async Task<bool> DeliverPageAsync(CancellationToken cancellationToken)
    {
        if (IsIdle) return false;
        await _reading.WaitAsync(cancellationToken);
        try
        {
            if (_position is not { } position) return false;
            var page = await feed.ReadAsync(position, PageSize, cancellationToken);
            var subscriptions = _subscriptions.Keys.ToList();
            if (page.Gap != FeedGap.None)
            {
                foreach (var subscription in subscriptions) subscription.End();
                foreach (var follower in _followers) follower.End();
                _position = null;
                return false;
            }

            // Everything is read before anything is delivered: after a failure the page comes again as a whole.
            var events = await ToEventsAsync(page.Rows, r => subscriptions.Exists(s => s.Filter.Matches(r)), page.PositionOf, cancellationToken);
            var deliveries = new List<Action>();
            foreach (var follower in _followers.Where(f => !f.IsIdle)) deliveries.Add(await follower.PrepareAsync(page, cancellationToken));
            foreach (var (change, e) in events)
            {
                foreach (var subscription in subscriptions)
                {
                    if (subscription.Filter.Matches(change)) subscription.Deliver(e);
                }
            }

            foreach (var deliver in deliveries) deliver();
            _position = page.End;
            return page.More;
        }
        finally
        {
            _reading.Release();
        }
    }

    [LoggerMessage(EventId = 180, Level = LogLevel.Warning, Message = "Watches wait for the database: {Reason}")]
    private static partial void Waiting(ILogger logger, string reason);
}
