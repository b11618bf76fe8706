using CN2.Api.Data;
using CN2.Api.Reconcile;
using CN2.Network.Sequencing;
using Microsoft.Extensions.Time.Testing;

namespace CN2.Api.Tests.Reconcile;

/// <summary>A lone change is read at once, and in a stream of changes many share a reading.</summary>
public sealed class FeedPaceTests : IDisposable
{
    private static readonly TimeSpan Took = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly ChangeSignal _signal = new();
    private readonly LoopInbox _inbox;
    private readonly FeedPace _pace;
    private bool _hasOthers;

    public FeedPaceTests()
    {
        _inbox = new LoopInbox(_signal, _time);
        _pace = new FeedPace(_inbox);
        Assert.True(Read(0)); // the first round reads
        _time.Advance(FeedPace.Longest);
    }

    private DateTimeOffset Now => _time.GetUtcNow();

    public void Dispose() => _inbox.Dispose();

    /// <summary>The client creates, waits until the agent has it, and creates the next.</summary>
    [Fact]
    public void Each_change_of_a_client_that_waits_for_what_the_last_one_caused_is_read_at_once()
    {
        for (var i = 0; i < 100; i++)
        {
            _time.Advance(Took);
            _signal.Set();
            Assert.True(Read(1));
        }
    }

    [Fact]
    public void A_client_that_writes_every_three_milliseconds_and_waits_for_nothing_makes_a_reading_every_thirty()
    {
        var readings = Stream(transactionsPerSecond: 333);
        Assert.InRange(readings, 25, 34);
    }

    [Fact]
    public void However_many_changes_come_the_feed_is_read_again_soon()
    {
        var readings = Stream(transactionsPerSecond: 100_000);
        Assert.InRange(readings, 25, 34);
    }

    [Fact]
    public void A_reading_that_took_long_is_followed_by_a_pause_as_long_up_to_a_limit()
    {
        _signal.Set();
        Assert.True(Read(1, took: TimeSpan.FromMilliseconds(12)));
        _signal.Set();
        Assert.Equal(Now + TimeSpan.FromMilliseconds(12), DueAt());
        _time.Advance(TimeSpan.FromMilliseconds(12));
        Assert.True(Read(1, took: TimeSpan.FromSeconds(3)));
        _signal.Set();
        Assert.Equal(Now + FeedPace.Longest, DueAt());
    }

    [Fact]
    public void Rounds_that_only_handle_what_others_say_read_nothing_and_the_feed_is_looked_at_every_second()
    {
        _signal.Set();
        Assert.True(Read(1));
        var lookAt = Now + NextTick.LongestWait;
        for (var i = 0; i < 10; i++)
        {
            _time.Advance(FeedPace.Longest);
            _inbox.Wake();
            Assert.Equal(lookAt, DueAt());
        }

        _time.Advance(lookAt - Now);
        Assert.True(Read(0));
    }

    [Fact]
    public void While_there_are_other_control_nodes_the_feed_is_looked_at_well_before_a_hold_is_over()
    {
        Assert.InRange(FeedPace.LongestUntold, TimeSpan.Zero, RouteSequencer.EntryHold / 2);
        _signal.Set();
        Assert.True(Read(1));
        var readAt = Now;
        _time.Advance(FeedPace.Longest);
        Assert.Equal(readAt + NextTick.LongestWait, DueAt());
        _hasOthers = true;
        Assert.Equal(readAt + FeedPace.LongestUntold, DueAt());
        _time.Advance(readAt + FeedPace.LongestUntold - Now);
        Assert.True(Read(0));
    }

    [Fact]
    public async Task Statuses_that_this_replica_writes_are_told_to_watchers_and_make_no_reading()
    {
        using var watcher = _signal.Subscribe();
        _signal.SetOfStatuses();
        Assert.True(await watcher.WaitAsync(TimeSpan.Zero, TestContext.Current.CancellationToken));
        Assert.NotNull(DueAt());
        _signal.SetFromElsewhere(); // what another one has written may be anything
        Assert.Null(DueAt());
    }

    [Fact]
    public void What_is_told_during_a_reading_is_read_by_the_next_one()
    {
        _signal.Set();
        Assert.Null(DueAt());
        _signal.Set();
        Ended(0, Took);
        Assert.Equal(Now + Took, DueAt());
        _time.Advance(Took);
        Assert.True(Read(0));
        Assert.Equal(Now + NextTick.LongestWait, DueAt());
    }

    [Fact]
    public void The_rest_of_a_full_page_is_read_at_once()
    {
        _signal.Set();
        Assert.True(Read(1000, more: true));
        Assert.True(Read(1000));
        _signal.Set();
        Assert.Equal(Now + FeedPace.Longest, DueAt());
    }

    [Fact]
    public void What_is_owed_is_read_without_a_change()
    {
        Assert.NotNull(DueAt());
        _pace.Owe();
        Assert.True(Read(0));
    }

    /// <summary>How often the feed is read in a second while transactions come at this rate, once the pace has settled.</summary>
    private int Stream(int transactionsPerSecond)
    {
        var (began, settled) = (Now, Now + TimeSpan.FromSeconds(1));
        var (read, readings) = (0, 0);
        while (Now < settled + TimeSpan.FromSeconds(1))
        {
            var committed = (int)((Now - began).TotalSeconds * transactionsPerSecond);
            if (committed > read) _signal.Set();
            if (DueAt() is not null)
            {
                _time.Advance(Millisecond);
                continue;
            }

            if (Now >= settled) readings++;
            Ended(committed - read, Took);
            read = committed;
        }

        return readings;
    }

    /// <summary>True: the feed was due, and is read.</summary>
    private bool Read(int transactions, TimeSpan? took = null, bool more = false)
    {
        if (DueAt() is not null) return false;
        Ended(transactions, took ?? Took, more);
        return true;
    }

    private void Ended(int transactions, TimeSpan took, bool more = false)
    {
        var began = Now;
        _time.Advance(took);
        _pace.WasRead(new FeedReading(transactions, more), began, Now);
    }

    /// <summary>When the feed is to be read; null: now, and the caller reads it.</summary>
    private DateTimeOffset? DueAt()
    {
        var next = new NextTick();
        return _pace.IsDue(Now, _hasOthers, next) ? null : next.At;
    }
}
