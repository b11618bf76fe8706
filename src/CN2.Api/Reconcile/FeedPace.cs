using CN2.Api.Data;

namespace CN2.Api.Reconcile;

/// <summary>
/// When the change feed is read: when it may have grown (<see cref="ChangeSignal"/>), and without being told every <see cref="NextTick.LongestWait"/>, or
/// <see cref="LongestUntold"/> while there are other control nodes. A round that only handles what agents and the speaker say reads nothing. A reading costs a handful of
/// queries, whatever it brings, so it is followed by a pause: as long as the reading took, longer the more transactions it brought, and <see cref="Longest"/> at most.
/// A lone change, and the next one of a client that waits for what the first one caused, is read at once; in a stream of changes many share a reading.
/// </summary>
internal sealed class FeedPace(LoopInbox inbox)
{
    /// <summary>The pause for each transaction after the first one of a reading. A client that writes without waiting comes to <see cref="Longest"/> by it.</summary>
    public static readonly TimeSpan OfTransaction = TimeSpan.FromMilliseconds(5);

    /// <summary>However much a reading has brought.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(30);

    /// <summary>
    /// While there are other control nodes: what one of them tells may be lost with a connection, and must be known here well before
    /// <see cref="CN2.Network.Sequencing.RouteSequencer.EntryHold"/> is over.
    /// </summary>
    public static readonly TimeSpan LongestUntold = TimeSpan.FromMilliseconds(400);

    private bool _isOwed = true;
    private DateTimeOffset _pauseEndsAt;
    private DateTimeOffset _readAt;

    /// <summary>Whether to read now. If not, it asks for a round when the time has come.</summary>
    /// <param name="hasOthers">There are other control nodes.</param>
    public bool IsDue(DateTimeOffset now, bool hasOthers, NextTick next)
    {
        _isOwed |= inbox.TakeFeedHasGrown();
        var dueAt = DueAt(hasOthers);
        if (now < dueAt)
        {
            next.NoLaterThan(dueAt);
            return false;
        }

        // What is committed during the reading is told anew.
        _isOwed = false;
        return true;
    }

    /// <summary>When the feed is to be read, unless it grows before.</summary>
    public DateTimeOffset DueAt(bool hasOthers) => _isOwed ? _pauseEndsAt : _readAt + (hasOthers ? LongestUntold : NextTick.LongestWait);

    /// <summary>There is something to read although the feed may not have grown.</summary>
    public void Owe() => _isOwed = true;

    /// <summary>The feed was read from <paramref name="began"/> to <paramref name="ended"/>.</summary>
    public void WasRead(FeedReading reading, DateTimeOffset began, DateTimeOffset ended)
    {
        var (took, ofTransactions) = (ended - began, (reading.Transactions - 1) * OfTransaction);
        var pause = took > ofTransactions ? took : ofTransactions;
        _isOwed |= reading.More;
        _pauseEndsAt = reading.More ? ended : ended + (pause < Longest ? pause : Longest);
        _readAt = ended;
    }
}
