using CN2.Api.Data.Rows;

namespace CN2.Api.Data;

/// <summary>What one reading of the change feed found.</summary>
/// <param name="Gap">Not <see cref="FeedGap.None"/>: there are no rows, and everything must be read anew.</param>
/// <param name="Begin">The position that the reading began at.</param>
/// <param name="Upper">The snapshot that the reading saw.</param>
/// <param name="Rows">Up to a page of rows after <paramref name="Begin"/>, by (xid, id).</param>
/// <param name="More">The page is full.</param>
public sealed record FeedPage(FeedGap Gap, FeedPosition Begin, FeedSnapshot Upper, List<ChangeRow> Rows, bool More)
{
    /// <summary>The position after the last row; after a page that is not full it is everything that the reading saw.</summary>
    public FeedPosition End => More ? PositionOf(Rows[^1]) : Begin with { Seen = Upper, Xid = 0, Id = 0 };

    public FeedPosition PositionOf(ChangeRow row) => Begin.After(Upper, row.Xid, row.Id);
}
