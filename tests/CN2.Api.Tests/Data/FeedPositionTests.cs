using CN2.Api.Data;
using CsCheck;

namespace CN2.Api.Tests.Data;

/// <summary>Positions in the feed, on a model of transactions that begin, write and end in any order.</summary>
public sealed class FeedPositionTests
{
    [Theory]
    [InlineData("10:20:10,14,15", 9, true)]
    [InlineData("10:20:10,14,15", 10, false)]
    [InlineData("10:20:10,14,15", 13, true)]
    [InlineData("10:20:10,14,15", 19, true)]
    [InlineData("10:20:10,14,15", 20, false)]
    [InlineData("20:20:", 19, true)]
    [InlineData("20:20:", 20, false)]
    public void A_snapshot_sees_what_had_ended(string text, ulong xid, bool sees)
    {
        var snapshot = FeedSnapshot.Parse(text);
        Assert.Equal(sees, snapshot.Sees(xid));
        Assert.Equal(text, snapshot.ToString());
    }

    [Theory]
    [InlineData("10:20:10", "10:15:10,12", true)]
    [InlineData("10:20:10,12", "10:15:10", false)]
    [InlineData("10:14:10", "10:15:10", false)]
    [InlineData("20:20:", "20:20:", true)]
    [InlineData("10:20:10,16", "10:16:10", true)] // 16 had not begun
    public void A_snapshot_includes_one_that_sees_no_more(string text, string other, bool includes) =>
        Assert.Equal(includes, FeedSnapshot.Parse(text).Includes(FeedSnapshot.Parse(other)));

    /// <summary>
    /// In small pages a row may come twice: a transaction is read in part, and before the rest another one with a smaller id commits and fills a page.
    /// </summary>
    [Theory]
    [InlineData(1000, true)]
    [InlineData(3, false)]
    public void Readings_in_pages_skip_no_row_whatever_commits_when(int pageSize, bool once)
    {
        Gen.Int[0, int.MaxValue].Sample(
            seed =>
            {
                var model = new Transactions(new Random(seed));
                var position = new FeedPosition(Guid.Empty, FeedSnapshot.Nothing);
                List<(ulong, long)> read = [];
                for (var step = 0; step < 60; step++)
                {
                    model.Step();
                    if (step % 4 == 3) position = Read(model, position, read, pageSize, pages: 1);
                    // What a client resumes with is the text.
                    Assert.True(FeedPosition.TryParse(position.ToString(), out var parsed));
                    position = parsed!;
                }

                model.EndAll();
                Read(model, position, read, pageSize, pages: int.MaxValue);
                Assert.Equal(model.Committed.Order(), (once ? read : read.Distinct()).Order());
            },
            iter: 2_000);
    }

    [Fact]
    public void A_token_is_short_whatever_runs_and_then_repeats_instead_of_skipping()
    {
        var running = Enumerable.Range(0, 5_000).Select(i => 4_000_000_000UL + (7UL * (ulong)i)).ToArray();
        var position = new FeedPosition(Guid.NewGuid(), new FeedSnapshot(5_000_000_000, running), 5_000_000_000, long.MaxValue);
        var text = position.ToString();
        Assert.InRange(text.Length, 1, 1024);
        Assert.True(FeedPosition.TryParse(text, out var parsed));
        Assert.DoesNotContain(running, parsed!.Seen.Sees);
        Assert.True(position.Seen.Includes(parsed.Seen));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("1.x")]
    [InlineData("0123456789abcdef0123456789abcdef.5.1-2-3.0")]
    [InlineData("0123456789abcdef0123456789abcdef.5.1-0.0.0")]
    [InlineData("0123456789abcdef0123456789abcdef.5.6.0.0")]
    [InlineData("0123456789abcdef0123456789abcdef.5.1-18446744073709551615.0.0")]
    [InlineData("0123456789abcdef0123456789abcdef.5.1.0.9223372036854775808")]
    [InlineData("0123456789abcdef0123456789abcdef.-5..0.0")]
    public void A_text_that_is_no_token_is_refused(string text) => Assert.False(FeedPosition.TryParse(text, out _));

    private static FeedPosition Read(Transactions model, FeedPosition position, List<(ulong, long)> read, int pageSize, int pages)
    {
        for (var page = 0; page < pages; page++)
        {
            var upper = model.Snapshot();
            var rows = model.Visible(upper).Where(r => !position.Covers(r.Xid, r.Id)).Order().Take(pageSize).ToList();
            read.AddRange(rows);
            if (rows.Count < pageSize) return new FeedPosition(position.Epoch, upper);
            position = position.After(upper, rows[^1].Xid, rows[^1].Id);
        }

        return position;
    }

    /// <summary>PostgreSQL as the feed sees it.</summary>
    private sealed class Transactions(Random random)
    {
        private readonly SortedDictionary<ulong, List<(ulong, long)>> _open = [];
        private readonly List<(ulong Xid, long Id)> _committed = [];
        private ulong _nextXid = 3;
        private ulong _xmax = 3;
        private long _nextId = 1;

        public IReadOnlyList<(ulong Xid, long Id)> Committed => _committed;

        public void Step()
        {
            switch (random.Next(4))
            {
                case 0 or 1 when _open.Count < 5:
                    _open[_nextXid++] = [];
                    break;
                case 2 when _open.Count > 0:
                    var (xid, rows) = _open.ElementAt(random.Next(_open.Count));
                    rows.Add((xid, _nextId++));
                    break;
                case 3 when _open.Count > 0:
                    End(_open.Keys.ElementAt(random.Next(_open.Count)), commit: random.Next(4) > 0);
                    break;
            }
        }

        public void EndAll()
        {
            while (_open.Count > 0) End(_open.Keys.First(), commit: true);
        }

        /// <summary>The latest transaction that has ended, plus one, and what runs before it.</summary>
        public FeedSnapshot Snapshot() => new(_xmax, [.. _open.Keys.Where(x => x < _xmax)]);

        public IEnumerable<(ulong Xid, long Id)> Visible(FeedSnapshot snapshot) => _committed.Where(r => snapshot.Sees(r.Xid));

        private void End(ulong xid, bool commit)
        {
            if (commit) _committed.AddRange(_open[xid]);
            _open.Remove(xid);
            _xmax = Math.Max(_xmax, xid + 1);
        }
    }
}
