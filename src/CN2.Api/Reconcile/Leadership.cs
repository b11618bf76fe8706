using CN2.Api.Data;

namespace CN2.Api.Reconcile;

/// <summary>
/// Takes and keeps the leadership: one replica writes statuses, serves pending Services and finishes deletions. It is a row of the database
/// that runs out (<see cref="LeaderLeaseStore"/>), so a leader that is stopped loses it while its connections stay open.
/// </summary>
internal sealed partial class Leadership(ILeaderLeaseStore store, HeldLease held, LoopInbox inbox, TimeProvider time, ILogger<Leadership> logger) : IReconcileTask
{
    private static readonly TimeSpan RenewInterval = ControlNodeStore.BeatInterval;
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ReleasePatience = TimeSpan.FromSeconds(1);

    /// <summary>A lease must also have been looked at this often without a change: this process may have been stopped, and not its holder.</summary>
    private const int LooksBeforeAbandoned = 4;

    private readonly Guid _run = Guid.NewGuid();
    private LeaderLease? _lease;
    private bool _isLeading;
    private bool _hasAsked;

    /// <summary>The lease of another replica, since when it is unchanged by the own clock, and how often it was looked at.</summary>
    private (LeaderLeaseState State, long Since, int Looks)? _watched;

    public async Task RunAsync(CancellationToken ct)
    {
        try
        {
            while (true)
            {
                TimeSpan wait;
                try
                {
                    wait = await StepAsync(ct);
                }
                catch (Exception e) when (!e.IsStop(ct))
                {
                    if (!held.IsLeading && SetLeading(false)) LogLost(e.Message);
                    wait = RetryInterval;
                }

                await Task.Delay(wait, time, ct);
            }
        }
        finally
        {
            await ReleaseAsync();
        }
    }

    /// <summary>Renews or tries to take the lease. Answers when the next step is due.</summary>
    internal async Task<TimeSpan> StepAsync(CancellationToken ct)
    {
        var asked = time.GetTimestamp();
        if (_lease is { } mine)
        {
            if (await store.RenewAsync(mine, ct) is { } now)
            {
                Hold(mine, asked, now);
                return RenewInterval;
            }

            _lease = null;
            held.Clear();
            if (SetLeading(false)) LogTaken();
            asked = time.GetTimestamp();
        }

        var granted = await store.TakeAsync(_run, Abandoned(), isStart: !_hasAsked, ct);
        _hasAsked = true;
        if (granted is { } grant)
        {
            _watched = null;
            _lease = grant.Lease;
            Hold(grant.Lease, asked, grant.Now);
            return RenewInterval;
        }

        await WatchHolderAsync(ct);
        return LookInterval;
    }

    private void Hold(LeaderLease lease, long asked, DateTimeOffset now)
    {
        if (held.Answered(asked, now)) LogClockJump();
        // Duties of before are stale, and statuses that were due meanwhile were not written: begin anew.
        if (held.Set(lease, asked)) SetLeading(false);
        if (SetLeading(true)) LogLeading(lease.Fence);
    }

    private async Task WatchHolderAsync(CancellationToken ct)
    {
        var asked = time.GetTimestamp();
        var (state, now) = await store.ReadAsync(ct);
        if (held.Answered(asked, now)) LogClockJump();
        if (state is not { } other) _watched = null;
        else if (_watched is { } watched && watched.State == other) _watched = watched with { Looks = watched.Looks + 1 };
        else _watched = (other, asked, 1);
    }

    /// <summary>The lease of a holder that does not renew it, by this replica's clock: the database's may have been set back.</summary>
    private LeaderLeaseState? Abandoned() =>
        _watched is { } watched && watched.Looks >= LooksBeforeAbandoned && time.GetElapsedTime(watched.Since) > LeaderLeaseStore.Duration ? watched.State : null;

    private async Task ReleaseAsync()
    {
        if (_lease is not { } mine) return;
        held.Clear();
        try
        {
            using var patience = new CancellationTokenSource(ReleasePatience);
            await store.ReleaseAsync(mine, patience.Token);
        }
        catch (Exception e)
        {
            // It runs out by itself.
            LogNotReleased(e.Message);
        }
    }

    private bool SetLeading(bool isLeading)
    {
        if (_isLeading == isLeading) return false;
        _isLeading = isLeading;
        inbox.Post(new LeaderEvent.LeadershipChanged(isLeading));
        return true;
    }

    [LoggerMessage(EventId = 221, Level = LogLevel.Information, Message = "This replica leads (lease {Fence}): it writes statuses and finishes deletions")]
    private partial void LogLeading(long fence);

    [LoggerMessage(EventId = 222, Level = LogLevel.Warning, Message = "Leadership is open: {Reason}")]
    private partial void LogLost(string reason);

    [LoggerMessage(EventId = 223, Level = LogLevel.Warning, Message = "Another replica leads now: this one did not renew its lease in time")]
    private partial void LogTaken();

    [LoggerMessage(EventId = 224, Level = LogLevel.Warning, Message = "The database's clock was set: nobody counts as gone until everybody had time to report again")]
    private partial void LogClockJump();

    [LoggerMessage(EventId = 225, Level = LogLevel.Information, Message = "The leadership could not be given up, it runs out in a few seconds: {Reason}")]
    private partial void LogNotReleased(string reason);
}
