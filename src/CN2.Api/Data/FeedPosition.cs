using System.Globalization;
using System.Text;

namespace CN2.Api.Data;

/// <summary>
/// A position in the change feed: everything that <see cref="Seen"/> sees was read, and of transaction <see cref="Xid"/>, which it does not
/// see, the rows up to <see cref="Id"/>. As text it is the resume token of a watch: opaque, at most 8 KB, safe in a header.
/// </summary>
/// <param name="Epoch">The life of the database that the transaction ids belong to (<see cref="FeedEpochs"/>).</param>
/// <param name="Seen">The transactions that were read.</param>
/// <param name="Xid">The transaction that was read in part; 0: none.</param>
/// <param name="Id">The last row of it that was read.</param>
public sealed record FeedPosition(Guid Epoch, FeedSnapshot Seen, ulong Xid = 0, long Id = 0)
{
    /// <summary>A token names at most this many running transactions; with more of them it claims less, and some changes come twice.</summary>
    private const int MostRunning = 256;

    private const int LongestText = 8 * 1024;

    /// <summary>The same without the transaction that was read in part.</summary>
    public FeedPosition Whole => Xid == 0 ? this : new FeedPosition(Epoch, Seen);

    /// <summary>
    /// The position after a row of a reading that began here and saw <paramref name="upper"/>; rows are read by (xid, id). A transaction that
    /// had been read in part before it is read again as a whole: a position remembers one, and reading twice does no harm.
    /// </summary>
    public FeedPosition After(FeedSnapshot upper, ulong xid, long id) => new(Epoch, Seen.UpTo(xid, upper), xid, id);

    /// <summary>This row was read.</summary>
    public bool Covers(ulong xid, long id) => Seen.Sees(xid) || (xid == Xid && id <= Id);

    /// <summary>
    /// Reads a token. True with a null position: the token has the form of an earlier version (<c>xid.id</c>), so it is too old.
    /// </summary>
    public static bool TryParse(string? text, out FeedPosition? position)
    {
        position = null;
        if (text is null || text.Length > LongestText) return false;
        var parts = text.Split('.');
        if (parts.Length == 2) return Number(parts[0], out _) && Number(parts[1], out _);
        if (parts.Length != 5 || !Guid.TryParseExact(parts[0], "N", out var epoch) || !Number(parts[1], out var xmax)
            || !Number(parts[3], out var xid) || !Number(parts[4], out var id) || id > long.MaxValue) return false;
        List<ulong> running = [];
        foreach (var step in parts[2].Split('-', StringSplitOptions.RemoveEmptyEntries))
        {
            // Each is written as the difference to the one before it.
            if (!Number(step, out var by) || (running.Count > 0 && by == 0)) return false;
            var next = (running.Count > 0 ? running[^1] : 0) + by;
            if (next >= xmax || next < by || running.Count == MostRunning) return false;
            running.Add(next);
        }

        position = new FeedPosition(epoch, new FeedSnapshot(xmax, [.. running]), xid, (long)id);
        return true;
    }

    public override string ToString()
    {
        var seen = Seen.Bounded(MostRunning);
        var text = new StringBuilder(80).Append(CultureInfo.InvariantCulture, $"{Epoch:N}.{seen.Xmax}.");
        var before = 0UL;
        foreach (var xid in seen.Running)
        {
            if (before > 0) text.Append('-');
            text.Append(CultureInfo.InvariantCulture, $"{xid - before}");
            before = xid;
        }

        return text.Append(CultureInfo.InvariantCulture, $".{Xid}.{Id}").ToString();
    }

    private static bool Number(string text, out ulong number) => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
