using CN2.Api.Data;

namespace CN2.Api.Reconcile;

/// <summary>
/// The readings of the change feed, numbered. Agents at other replicas are followed by them: what such a replica reports as applied is a
/// position, and this log tells how many of our readings it covers. Snapshots of one server are an order of time, so a position that
/// includes a reading's snapshot covers all readings up to it; besides, a reading is covered when each transaction whose changes it
/// brought is seen. The second is what makes it quick: the other replica need not look again after transactions that changed nothing here.
/// </summary>
internal sealed class FeedLog
{
    private const int MostReadings = 1000;
    private const int MostTransactions = 100_000;

    private readonly List<Reading> _readings = [];
    private Guid _epoch;
    private int _transactions;

    /// <summary>The number of the last reading that brought something; 0: nothing was read.</summary>
    public long Last { get; private set; }

    /// <summary>Everything was read anew.</summary>
    /// <param name="position">What was seen.</param>
    /// <param name="recent">The transactions of the newest change rows, the newest first. Rows that are not named are older; none: there are no rows, so who reads in this epoch has seen all.</param>
    public void ReadAll(FeedPosition position, IReadOnlyList<ulong> recent)
    {
        _readings.Clear();
        _transactions = 0;
        _epoch = position.Epoch;
        Add(new Reading(++Last, position.Seen, recent, recent.Count > 0 ? recent[^1] : 1, IsOpen: false));
    }

    /// <summary>A page was read.</summary>
    /// <param name="upper">The snapshot of the reading; the rows that the page names were read in it.</param>
    /// <param name="xids">The transactions of the page.</param>
    /// <param name="more">The rest comes with the next page, and both are one reading.</param>
    public void Read(FeedSnapshot upper, IEnumerable<ulong> xids, bool more)
    {
        List<ulong> distinct = [.. xids.Distinct()];
        if (_readings.Count > 0 && _readings[^1] is { IsOpen: true } open)
        {
            _readings.RemoveAt(_readings.Count - 1);
            _transactions -= open.Xids.Count;
            Add(new Reading(open.Number, upper, [.. open.Xids, .. distinct], 0, more));
        }
        else
        {
            Add(new Reading(++Last, upper, distinct, 0, more));
        }
    }

    /// <summary>The number of the last reading up to which all are covered by what was applied; 0: none, or not known any more.</summary>
    public long CoveredBy(FeedPosition? applied)
    {
        if (applied is null || applied.Epoch != _epoch) return 0;
        var i = _readings.FindLastIndex(r => applied.Seen.Includes(r.Upper));
        // The first reading of the log stands for everything before it.
        if (i < 0 && (_readings.Count == 0 || !_readings[0].IsSeenBy(applied.Seen, isFirst: true))) return 0;
        i = Math.Max(i, 0);
        while (i + 1 < _readings.Count && _readings[i + 1].IsSeenBy(applied.Seen, isFirst: false)) i++;
        return _readings[i].Number;
    }

    private void Add(Reading reading)
    {
        _readings.Add(reading);
        _transactions += reading.Xids.Count;
        // The last one stays: it is what marks name.
        var drop = 0;
        while (drop < _readings.Count - 1 && (_readings.Count - drop > MostReadings || _transactions > MostTransactions)) _transactions -= _readings[drop++].Xids.Count;
        _readings.RemoveRange(0, drop);
    }

    /// <param name="Upper">What the reading saw.</param>
    /// <param name="Xids">The transactions whose changes it brought.</param>
    /// <param name="Floor">Not 0: it brought everything, and changes that <paramref name="Xids"/> does not name are older than this.</param>
    /// <param name="IsOpen">More of it comes.</param>
    private sealed record Reading(long Number, FeedSnapshot Upper, IReadOnlyList<ulong> Xids, ulong Floor, bool IsOpen)
    {
        /// <param name="isFirst">Nothing is known of the readings before it; only one that brought everything can be judged.</param>
        public bool IsSeenBy(FeedSnapshot applied, bool isFirst) =>
            !IsOpen && (!isFirst || (Floor > 0 && applied.Xmin >= Floor)) && Xids.All(applied.Sees);
    }
}
