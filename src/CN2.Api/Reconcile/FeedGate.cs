using System.Runtime.ExceptionServices;
using CN2.Api.Data;

namespace CN2.Api.Reconcile;

/// <summary>
/// Keeps a database that is away, or hangs, from holding up the loop. Only the first round waits for a server that hangs, as long as a
/// statement of the control loop may take (2 s); the next ones leave the feed out until the server answers, for which another task asks. Rounds that are none
/// of the feed's leave it out too (<see cref="FeedPace"/>).
/// </summary>
internal sealed class FeedGate(FeedReader feed, FeedPace pace, DatabasePresence database, LoopInbox inbox, LoopClock clock, FailureLog failures)
{
    /// <summary>Not completed: the database did not answer.</summary>
    private Task _databaseIsBack = Task.CompletedTask;

    /// <summary>The last reading failed.</summary>
    public bool IsAway { get; private set; }

    /// <inheritdoc cref="LoopState.FeedReadAt"/>
    public DateTimeOffset ReadAt { get; private set; }

    /// <inheritdoc cref="FeedReader.IsMidPage"/>
    public bool IsMidPage => feed.IsMidPage;

    /// <summary>Asks for the round in which the feed is to be read next. While the database is away, its return is what brings that round.</summary>
    public void Schedule(DateTimeOffset now, NextTick next)
    {
        feed.Schedule(now, next);
        if (!_databaseIsBack.IsCompleted) return;
        if (feed.IsOwed(now)) pace.Owe();
        next.NoLaterThan(pace.DueAt(feed.HasOthers));
    }

    /// <summary>Reads a page of changes; true: there are more. Answers a failure instead of throwing it, because the round goes on without the database.</summary>
    public async Task<(bool More, ExceptionDispatchInfo? Failure)> ReadAsync(DateTimeOffset now, NextTick next, CancellationToken ct)
    {
        if (!_databaseIsBack.IsCompleted) return (false, null);
        if (feed.IsOwed(now)) pace.Owe();
        if (!pace.IsDue(now, feed.HasOthers, next)) return (false, null);
        try
        {
            var reading = await feed.ReadAsync(now, ct);
            pace.WasRead(reading, now, clock.Now);
            IsAway = false;
            if (!reading.More) ReadAt = now;
            failures.Succeeded();
            return (reading.More, null);
        }
        catch (Exception e) when (!e.IsStop(ct))
        {
            IsAway = true;
            pace.Owe();
            if (PostgresErrors.IsAway(e))
            {
                _databaseIsBack = database.WhenBack();
                _ = WakeAsync(_databaseIsBack);
            }

            return (false, ExceptionDispatchInfo.Capture(e));
        }
    }

    private async Task WakeAsync(Task databaseIsBack)
    {
        await databaseIsBack;
        inbox.Wake();
    }
}
