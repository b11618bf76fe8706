using CN2.Api.Data;

namespace CN2.Api.Reconcile;

/// <summary>
/// When the change feed is read: when it may have grown (<see cref="ChangeSignal"/>), and every <see cref="NextTick.LongestWait"/> without being told. A round that only
/// handles what agents and the speaker say reads nothing. A reading costs a handful of queries, whatever it brings, so it is followed by a pause: as long as the
/// reading took, so that it takes half of the time at most, and longer the more transactions it brought. A lone change, and the next one of a client that waits for what
/// the first one caused, is read at once; in a stream of changes many share a reading.
/// </summary>
internal sealed class FeedPace(LoopInbox inbox)
{
    /// <summary>The pause for each transaction after the first one of a reading. A client that writes without waiting comes to <see cref="Longest"/> by it.</summary>
    public static readonly TimeSpan OfTransaction = TimeSpan.FromMilliseconds(5);

    /// <summary>However much a reading has brought.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(30);

    private bool _isOwed = true;
    private DateTimeOffset _pauseEndsAt;
    private DateTimeOffset _lookAgainAt;

    /// <summary>Whether to read now. If not, it asks for a round when the time has come.</summary>
    public bool IsDue(DateTimeOffset now, NextTick next)
    {
        _isOwed |= inbox.TakeFeedHasGrown();
        var dueAt = _isOwed ? _pauseEndsAt : _lookAgainAt;
        if (now < dueAt)
        {
            next.NoLaterThan(dueAt);
            return false;
        }

        // What is committed during the reading is told anew.
        _isOwed = false;
        return true;
    }

    /// <summary>There is something to read although the feed may not have grown.</summary>
    public void Owe() => _isOwed = true;

    /// <summary>The feed was read from <paramref name="began"/> to <paramref name="ended"/>.</summary>
    public void WasRead(FeedReading reading, DateTimeOffset began, DateTimeOffset ended)
    {
        var (took, ofTransactions) = (ended - began, (reading.Transactions - 1) * OfTransaction);
        var pause = took > ofTransactions ? took : ofTransactions;
        _isOwed |= reading.More;
        _pauseEndsAt = reading.More ? ended : ended + (pause < Longest ? pause : Longest);
        _lookAgainAt = ended + NextTick.LongestWait;
    }
}
