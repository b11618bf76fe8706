using CN2.Api.Data;
using CN2.Api.Reconcile;

namespace CN2.Api.Tests.Reconcile;

/// <summary>How many of our readings of the feed another replica's position covers.</summary>
public sealed class FeedLogTests
{
    private static readonly Guid Epoch = Guid.NewGuid();
    private readonly FeedLog _log = new();

    [Fact]
    public void Readings_are_covered_up_to_the_first_whose_changes_were_not_seen()
    {
        _log.ReadAll(At("10:10:"), [9]);
        _log.Read(Snapshot("20:20:"), [12, 15], more: false);
        _log.Read(Snapshot("30:30:"), [22], more: false);
        _log.Read(Snapshot("40:40:"), [33], more: false);
        Assert.Equal(0, _log.CoveredBy(null));
        Assert.Equal(0, _log.CoveredBy(At("9:9:")));
        Assert.Equal(1, _log.CoveredBy(At("13:13:")));
        Assert.Equal(2, _log.CoveredBy(At("16:16:")));
        Assert.Equal(3, _log.CoveredBy(At("25:35:25,33")));
        Assert.Equal(4, _log.CoveredBy(At("25:35:25,31")));
    }

    [Fact]
    public void A_transaction_that_changed_nothing_here_need_not_have_ended_at_the_other_replica()
    {
        _log.ReadAll(At("10:10:"), [9]);
        _log.Read(Snapshot("20:20:"), [19], more: false); // 15 ended before this reading and changed nothing
        Assert.Equal(2, _log.CoveredBy(At("15:20:15")));
    }

    [Fact]
    public void A_transaction_that_stays_open_holds_nothing_back()
    {
        _log.ReadAll(At("5:10:5"), [9]);
        for (var xid = 10UL; xid < 2_500; xid++) _log.Read(new FeedSnapshot(xid + 1, [5]), [xid], more: false);
        Assert.Equal(_log.Last, _log.CoveredBy(At("5:2500:5")));
    }

    [Fact]
    public void A_reading_in_several_pages_is_covered_when_its_last_page_is()
    {
        _log.ReadAll(At("10:10:"), [9]);
        _log.Read(Snapshot("20:20:"), [12], more: true);
        Assert.Equal(2, _log.Last);
        Assert.Equal(1, _log.CoveredBy(At("13:13:"))); // the rows of 12 were read together with those of later transactions
        _log.Read(Snapshot("21:21:"), [18], more: false);
        Assert.Equal(2, _log.Last);
        Assert.Equal(1, _log.CoveredBy(At("13:13:")));
        Assert.Equal(2, _log.CoveredBy(At("19:19:")));
    }

    [Fact]
    public void A_first_reading_of_everything_is_covered_when_the_newest_changes_are_seen()
    {
        _log.ReadAll(At("90:100:90"), [95, 80, 70]); // 90 changes nothing
        Assert.Equal(1, _log.CoveredBy(At("90:96:90")));
        Assert.Equal(0, _log.CoveredBy(At("80:96:80,90")));
        Assert.Equal(0, _log.CoveredBy(At("60:96:60"))); // changes before 70 are not known one by one
    }

    [Fact]
    public void What_was_applied_in_another_epoch_covers_nothing()
    {
        _log.ReadAll(At("10:10:"), [9]);
        Assert.Equal(0, _log.CoveredBy(new FeedPosition(Guid.NewGuid(), Snapshot("99:99:"))));
        _log.ReadAll(new FeedPosition(Guid.NewGuid(), Snapshot("7:7:")), []);
        Assert.Equal(0, _log.CoveredBy(At("99:99:")));
    }

    [Fact]
    public void The_log_forgets_old_readings_and_covers_them_by_newer_ones()
    {
        _log.ReadAll(At("10:10:"), [9]);
        for (var i = 0UL; i < 300; i++) _log.Read(new FeedSnapshot(2_000 * (i + 1), []), Enumerable.Range(0, 1_000).Select(x => (2_000 * i) + 100 + (ulong)x), more: false);
        Assert.Equal(0, _log.CoveredBy(At("2000:2000:"))); // forgotten
        Assert.Equal(_log.Last, _log.CoveredBy(At("600000:600000:")));
        Assert.Equal(_log.Last - 1, _log.CoveredBy(At("598000:598000:")));
    }

    private static FeedSnapshot Snapshot(string text) => FeedSnapshot.Parse(text);

    private static FeedPosition At(string text) => new(Epoch, Snapshot(text));
}
