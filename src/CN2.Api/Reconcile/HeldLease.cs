using CN2.Api.Data;

namespace CN2.Api.Reconcile;

/// <summary>
/// What this replica knows of its leadership, by its own clock, which never jumps and goes on while the process is stopped. All members may be
/// called from any thread.
/// </summary>
internal sealed class HeldLease(TimeProvider time) : ILeadership
{
    /// <summary>
    /// How long a lease counts here, from the moment before it was asked for: a second less than in the database, so that this replica
    /// ceases before another one begins.
    /// </summary>
    public static readonly TimeSpan Validity = LeaderLeaseStore.Duration - TimeSpan.FromSeconds(1);

    private static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private LeaderLease? _lease;
    private long _renewedAt;

    /// <summary>The last answer of the database: own time before and after it, and its own time.</summary>
    private (long Asked, long Answered, DateTimeOffset Now)? _contact;
    private long _inContactSince;

    /// <summary>The proof for a duty of the leader; null: this replica does not lead, or was stopped and does not know whether it still does.</summary>
    public LeaderLease? Current
    {
        get
        {
            lock (_lock) return IsValid ? _lease : null;
        }
    }

    public bool IsLeading => Current is not null;

    /// <summary>
    /// How long this replica has been in contact with the database without a break. What the database says about others counts only after a
    /// while: during a break, and while the database's clock was wrong, nobody could report that he is alive.
    /// </summary>
    public TimeSpan InContact
    {
        get
        {
            lock (_lock) return _contact is { } last && time.GetElapsedTime(last.Answered) < LeaderLeaseStore.Duration ? time.GetElapsedTime(_inContactSince) : TimeSpan.Zero;
        }
    }

    private bool IsValid => _lease is not null && time.GetElapsedTime(_renewedAt) < Validity;

    /// <summary>The database granted or renewed a lease that was asked for at <paramref name="asked"/>. True: there was a time since the last one in which it did not count.</summary>
    public bool Set(LeaderLease lease, long asked)
    {
        lock (_lock)
        {
            var lapsed = !IsValid || _lease != lease;
            _lease = lease;
            _renewedAt = asked;
            return lapsed;
        }
    }

    /// <summary>Another replica leads.</summary>
    public void Clear()
    {
        lock (_lock) _lease = null;
    }

    /// <summary>The database answered, with its time. True: its clock was set since the last answer.</summary>
    public bool Answered(long asked, DateTimeOffset now)
    {
        lock (_lock)
        {
            var answered = time.GetTimestamp();
            var jumped = false;
            if (_contact is not { } last || time.GetElapsedTime(last.Answered, answered) >= LeaderLeaseStore.Duration)
            {
                _inContactSince = answered;
            }
            else
            {
                // Its time was read at some moment between question and answer.
                var passed = now - last.Now;
                jumped = passed < time.GetElapsedTime(last.Answered, asked) - ClockTolerance || passed > time.GetElapsedTime(last.Asked, answered) + ClockTolerance;
                if (jumped) _inContactSince = answered;
            }

            _contact = (asked, answered, now);
            return jumped;
        }
    }
}
