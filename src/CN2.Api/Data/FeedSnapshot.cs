using System.Globalization;

namespace CN2.Api.Data;

/// <summary>
/// Which transactions a moment sees: PostgreSQL's <c>pg_snapshot</c>. Of one server, a later snapshot sees everything that an earlier one
/// sees, so snapshots are an order of time although transaction ids are none. Immutable.
/// </summary>
public sealed class FeedSnapshot
{
    /// <summary>Sees no transaction.</summary>
    public static readonly FeedSnapshot Nothing = new(0, []);

    private readonly ulong[] _running;

    /// <param name="xmax">Transactions from here on had not begun, or not ended.</param>
    /// <param name="running">Those before <paramref name="xmax"/> that had not ended, ascending.</param>
    public FeedSnapshot(ulong xmax, ulong[] running)
    {
        Xmax = xmax;
        _running = running;
    }

    /// <summary>The oldest transaction that was still running; the snapshot sees all transactions before it.</summary>
    public ulong Xmin => _running.Length > 0 ? _running[0] : Xmax;

    /// <summary>The first transaction that the snapshot cannot see whatever became of it.</summary>
    public ulong Xmax { get; }

    /// <summary>The transactions before <see cref="Xmax"/> that it does not see, ascending.</summary>
    public IReadOnlyList<ulong> Running => _running;

    /// <summary>Reads <c>pg_current_snapshot()</c> as text: <c>xmin:xmax:running,…</c>.</summary>
    public static FeedSnapshot Parse(string text)
    {
        var parts = text.Split(':');
        return new FeedSnapshot(
            ulong.Parse(parts[1], CultureInfo.InvariantCulture),
            [.. parts[2].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(p => ulong.Parse(p, CultureInfo.InvariantCulture))]);
    }

    public bool Sees(ulong xid) => xid < Xmin || (xid < Xmax && Array.BinarySearch(_running, xid) < 0);

    /// <summary>It sees everything that the other one sees.</summary>
    public bool Includes(FeedSnapshot other) => Xmax >= other.Xmax && Array.TrueForAll(_running, x => !other.Sees(x));

    /// <summary>
    /// What is seen after everything up to and without a transaction was read of a later snapshot: below it that snapshot, above it this one.
    /// </summary>
    public FeedSnapshot UpTo(ulong xid, FeedSnapshot later)
    {
        var xmax = Math.Max(Xmax, xid);
        List<ulong> running = [.. later._running.TakeWhile(x => x < xid)];
        if (xid < xmax) running.Add(xid);
        running.AddRange(_running.Where(x => x > xid));
        return new FeedSnapshot(xmax, [.. running]);
    }

    /// <summary>Sees less, so that at most <paramref name="count"/> running transactions are left.</summary>
    public FeedSnapshot Bounded(int count) => _running.Length <= count ? this : new FeedSnapshot(_running[count], _running[..count]);

    /// <summary>As PostgreSQL reads a <c>pg_snapshot</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Xmin}:{Xmax}:{string.Join(',', _running)}");
}
