using System.Text.Json.Nodes;
using CN2.Api.Data.Rows;
using CN2.Api.Json;
using CN2.Api.Reconcile;

namespace CN2.Api.Tests.Reconcile;

/// <summary>When statuses are drafted, and which drafts are written.</summary>
public sealed class StatusQueueTests
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly StatusQueue _queue = new();
    private readonly HashSet<Guid> _unsent = [];

    [Fact]
    public void Owners_are_taken_after_they_have_settled()
    {
        Assert.Empty(Take(0));
        _queue.Add(Sample.Uid(1));
        var next = new NextTick();
        Assert.Empty(_queue.Take(Start, next, _unsent.Contains));
        Assert.Equal(Start + StatusQueue.SettleTime, next.At);
        _queue.Add([Sample.Uid(1), Sample.Uid(2)]);
        Assert.Empty(Take(49));
        Assert.Equal([Sample.Uid(1)], Take(50));
        Assert.Empty(Take(98));
        Assert.False(_queue.IsEmpty || _queue.HasDue);
        Assert.Equal([Sample.Uid(2)], Take(100));
        Assert.True(_queue.IsEmpty);
    }

    [Fact]
    public void While_owners_are_touched_all_the_time_a_batch_has_those_of_several_rounds()
    {
        var batches = new List<int>();
        for (var ms = 0; ms < 1000; ms += 10)
        {
            _queue.Add(Sample.Uid(ms));
            if (Take(ms) is { Count: > 0 } batch) batches.Add(batch.Count);
        }

        Assert.InRange(batches.Count, 10, 20);
        Assert.All(batches.Skip(1), size => Assert.InRange(size, 5, 10));
        // It asks to be called for the rest, and nothing is due twice.
        var next = new NextTick();
        Assert.Empty(_queue.Take(Start.AddMilliseconds(999), next, _unsent.Contains));
        Assert.InRange(next.At!.Value, Start.AddMilliseconds(999), Start.AddMilliseconds(1050));
        Assert.Equal(100 - batches.Sum(), Take(1040).Count);
    }

    [Fact]
    public void Owners_whose_entries_are_sent_settle_once_more()
    {
        _queue.EntriesSent([Sample.Uid(3)]); // not touched: nothing to draft
        _queue.Add([Sample.Uid(1), Sample.Uid(2)]);
        Take(0);
        _queue.EntriesSent([Sample.Uid(1)]);
        Assert.Equal([Sample.Uid(2)], Take(50));
        _queue.Add(Sample.Uid(1));
        _queue.EntriesSent([Sample.Uid(1)]); // and not again
        Assert.Equal([Sample.Uid(1)], Take(100));
        Assert.True(_queue.IsEmpty);
        // The next time is a new one.
        _queue.Add(Sample.Uid(1));
        _queue.EntriesSent([Sample.Uid(1)]); // in the round in which it was touched
        Take(200);
        Take(249);
        _queue.EntriesSent([Sample.Uid(1)]);
        Assert.Empty(Take(250));
        Assert.Equal([Sample.Uid(1)], Take(300));
    }

    [Fact]
    public void Owners_that_wait_for_their_turn_settle_once_more_when_their_entries_are_sent()
    {
        _queue.Add(Sample.Uid(1));
        Take(0);
        Take(50);
        _queue.TakeNews([Draft(1, "a")]);
        _queue.Add([Sample.Uid(2), Sample.Uid(3)]);
        Take(100);
        Take(200); // they are due, and the first is being written
        _queue.EntriesSent([Sample.Uid(2)]);
        _queue.WereWritten();
        Assert.Equal([Sample.Uid(3)], Take(210));
        Assert.Equal([Sample.Uid(2)], Take(260));
    }

    [Fact]
    public void Owners_of_what_is_not_sent_yet_wait_for_that()
    {
        _queue.Add([Sample.Uid(1), Sample.Uid(2)]);
        _unsent.Add(Sample.Uid(1));
        Take(0);
        Assert.Equal([Sample.Uid(2)], Take(50));
        Assert.Empty(Take(150));
        _unsent.Clear();
        Assert.Equal([Sample.Uid(1)], Take(200));
        Assert.True(_queue.IsEmpty);
    }

    [Fact]
    public void An_owner_that_changes_all_the_time_is_passed_over_for_a_limited_time_also_while_others_are_due()
    {
        var (busy, others) = (Sample.Uid(1), 1000);
        _unsent.Add(busy);
        _queue.Add(busy);
        Take(0);
        for (var ms = 50; ms < 550; ms += 50)
        {
            _queue.Add(Enumerable.Range(others += StatusQueue.BatchSize, StatusQueue.BatchSize).Select(Sample.Uid));
            Assert.DoesNotContain(busy, Take(ms));
        }

        var next = new NextTick();
        _queue.Take(Start.AddMilliseconds(549), next, _unsent.Contains);
        Assert.Equal(Start.AddMilliseconds(550), next.At);
        _queue.Add(busy); // it is due already
        Assert.Contains(busy, Take(550));
        _queue.Add(busy);
        Take(560);
        Assert.DoesNotContain(busy, Take(610));
        Assert.DoesNotContain(busy, Take(1109));
        Assert.Contains(busy, Take(1110));
    }

    [Fact]
    public void A_large_number_is_taken_in_batches_without_settling_again()
    {
        _queue.Add(Enumerable.Range(0, StatusQueue.BatchSize + 10).Select(Sample.Uid));
        Take(0);
        Assert.Equal(StatusQueue.BatchSize, Take(50).Count);
        Assert.Equal(10, Take(50).Count);
    }

    [Fact]
    public void No_batch_is_taken_while_the_last_one_is_being_written()
    {
        _queue.Add(Sample.Uid(1));
        Take(0);
        Take(50);
        Assert.Single(_queue.TakeNews([Draft(1, "a")]));
        _queue.Add(Sample.Uid(2));
        Take(60);
        Assert.Empty(Take(1000));
        _queue.WereWritten();
        Assert.Single(Take(1000));
    }

    [Fact]
    public void Only_drafts_that_differ_from_the_last_one_are_news()
    {
        Assert.Single(_queue.TakeNews([Draft(1, "a")]));
        Assert.Empty(_queue.TakeNews([Draft(1, "a")]));
        Assert.Equal(2, _queue.TakeNews([Draft(1, "b"), Draft(2, "b")]).Count);
        Assert.Single(_queue.TakeNews([Draft(1, "a"), Draft(2, "b")])); // back to what it was: news
        _queue.Forget(Sample.Uid(2));
        Assert.Single(_queue.TakeNews([Draft(1, "a"), Draft(2, "b")]));
        _queue.ForgetDrafts();
        Assert.Equal(2, _queue.TakeNews([Draft(1, "a"), Draft(2, "b")]).Count);
    }

    [Fact]
    public void A_replica_that_does_not_lead_keeps_no_owners()
    {
        _queue.Add(Sample.Uid(1));
        Take(0);
        _queue.Clear();
        _queue.Add(Sample.Uid(2));
        Assert.Empty(Take(60)); // it settles from now on
        Assert.Equal([Sample.Uid(2)], Take(110));
    }

    [Fact]
    public void Texts_whose_32_bit_hashes_collide_are_different_drafts()
    {
        var seen = new Dictionary<int, string>();
        for (var i = 0; ; i++)
        {
            var (text, hash) = ($"text {i}", $"text {i}".GetHashCode(StringComparison.Ordinal));
            if (seen.TryAdd(hash, text)) continue;
            Assert.NotEqual(Draft(1, seen[hash]).Hash, Draft(1, text).Hash);
            return;
        }
    }

    private static StatusDraft Draft(int n, string text) => new(ResourceKind.Service, Sample.Uid(n), ApiJson.Bytes(new JsonObject { ["state"] = text }), IsNews: true);

    private IReadOnlyList<Guid> Take(int milliseconds) => _queue.Take(Start + TimeSpan.FromMilliseconds(milliseconds), new NextTick(), _unsent.Contains);
}
