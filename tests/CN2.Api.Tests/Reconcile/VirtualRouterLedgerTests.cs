using CN2.Api.Data;
using CN2.Api.Reconcile;
using CN2.Network.Sequencing;

namespace CN2.Api.Tests.Reconcile;

/// <summary>What counts as acknowledged, by whom, and what is still awaited.</summary>
public sealed class VirtualRouterLedgerTests
{
    private static readonly Guid Epoch = Guid.NewGuid();
    private readonly Dictionary<ulong, FeedPosition> _positions = [];
    private static readonly Guid A = Sample.Uid(1);
    private static readonly Guid B = Sample.Uid(2);
    private readonly VirtualRouterLedger _ledger = new((_, _) => false);
    private DateTimeOffset _now = DateTimeOffset.UnixEpoch;

    // Where the agent is, what it has applied there (revision 5 is the whole configuration), and whether mark (7, reading 70) is acknowledged.
    [Theory]
    [InlineData("nowhere", 9, 90, false)]
    [InlineData("here", 6, 90, false)] // the reading is for another replica
    [InlineData("here", 7, 0, true)]
    [InlineData("here", 8, 0, true)]
    [InlineData("here", 4, 90, false)] // below the whole configuration: from an earlier stream
    [InlineData("elsewhere", 9, 69, false)]
    [InlineData("elsewhere", 0, 70, true)]
    [InlineData("elsewhere", 0, 71, true)]
    public void A_mark_is_acknowledged_by_revision_here_and_by_reading_of_the_feed_elsewhere(string where, ulong revision, long reading, bool acknowledged)
    {
        var account = _ledger.Open("compute1");
        if (where == "here")
        {
            account.Connected();
            account.SentWhole(5);
            account.Applied(revision);
        }

        account.ConnectedElsewhere = where == "elsewhere";
        account.AppliedElsewhere(reading);
        Assert.Equal(acknowledged, _ledger.IsAcknowledged("compute1", new AckMark(7, 70)));
    }

    [Fact]
    public void What_an_agent_acknowledged_here_does_not_count_once_it_is_at_another_replica()
    {
        var account = Connected();
        account.Applied(9);
        account.ConnectedHere = false;
        Assert.True(_ledger.IsAcknowledged("compute1", new AckMark(7, 70)));
        account.ConnectedElsewhere = true;
        account.AppliedElsewhere(69);
        Assert.False(_ledger.IsAcknowledged("compute1", new AckMark(7, 70)));
        account.AppliedElsewhere(70);
        Assert.True(_ledger.IsAcknowledged("compute1", new AckMark(7, 70)));
    }

    [Fact]
    public void A_vRouter_that_does_not_exist_acknowledges_nothing_and_is_not_reachable()
    {
        Assert.False(_ledger.IsAcknowledged("compute9", new AckMark(0, 0)));
        Assert.False(_ledger.IsReachable("compute9"));
        _ledger.Open("compute9");
        Assert.True(_ledger.IsReachable("compute9"));
        _ledger.Open("compute9").Lost = true;
        Assert.False(_ledger.IsReachable("compute9"));
        _ledger.Close("compute9");
        Assert.Empty(_ledger.VirtualRouters);
    }

    [Fact]
    public void Owners_wait_until_their_last_revision_is_applied()
    {
        var account = Connected();
        account.Sent(new Sending(new AckMark(6, 60), At(50), [A, B]));
        account.Sent(new Sending(new AckMark(7, 70), At(60), [A]));
        Assert.True(account.Awaits(A) && account.Awaits(B) && account.IsBehind);

        account.Applied(6);
        Assert.Equal([A], account.Awaited);
        Assert.True(account.Awaits(A) && !account.Awaits(B));
        Assert.Equal([A, B], _ledger.TakeAcknowledged(_now).Order());
        account.Applied(7);
        Assert.Equal([A], _ledger.TakeAcknowledged(_now));
        Assert.False(account.IsBehind || account.Awaits(A));
        account.Applied(8);
        Assert.Empty(_ledger.TakeAcknowledged(_now));
    }

    [Fact]
    public void What_is_the_same_for_many_vRouters_is_kept_once_and_told_apart_by_who_has_acknowledged_it()
    {
        var (first, second, lost) = (Connected(), Connected("compute2"), Connected("compute3"));
        var sending = new Sending(new AckMark(6, 60), At(50), [A, B]);
        foreach (var account in (VirtualRouterLedger.Account[])[first, second, lost]) account.Sent(sending);
        lost.Lost = true;
        Assert.Equal([first, second], _ledger.AwaitedBy(A).OrderBy(a => a.Name, StringComparer.Ordinal));
        first.Applied(6);
        Assert.Equal([second], _ledger.AwaitedBy(A));
        Assert.NotNull(_ledger.AcknowledgedInPartAt);
        Assert.Equal([A, B], _ledger.TakeAcknowledged(_now).Order());
        Assert.Null(_ledger.AcknowledgedInPartAt);
        second.Sent(new Sending(new AckMark(7, 70), At(60), [A]));
        second.Applied(6);
        Assert.Equal([second], _ledger.AwaitedBy(A));
        Assert.Empty(_ledger.AwaitedBy(B));
        second.Applied(7);
        lost.GiveUp();
        Assert.Empty(_ledger.AwaitedBy(A));
        Assert.False(lost.Awaits(A));
    }

    [Fact]
    public void Of_what_many_wait_for_it_is_said_every_second_how_far_they_are_and_at_once_when_it_is_over()
    {
        var (first, second, third) = (Connected(), Connected("compute2"), Connected("compute3"));
        var sending = new Sending(new AckMark(6, 60), At(50), [A, B]);
        foreach (var account in (VirtualRouterLedger.Account[])[first, second, third]) account.Sent(sending);
        Assert.Empty(_ledger.TakeAcknowledged(_now));
        first.Applied(6);
        Assert.Empty(_ledger.TakeAcknowledged(_now));
        _now += AwaitedSendings.PartInterval;
        Assert.Equal([A, B], _ledger.TakeAcknowledged(_now).Order());
        Assert.Empty(_ledger.TakeAcknowledged(_now + AwaitedSendings.PartInterval));
        second.Applied(6);
        third.Applied(6);
        Assert.Equal([A, B], _ledger.TakeAcknowledged(_now).Order());
        Assert.Empty(_ledger.TakeAcknowledged(_now + (3 * AwaitedSendings.PartInterval)));
    }

    [Fact]
    public void The_applied_position_is_the_one_before_the_oldest_outstanding_revision()
    {
        var account = Connected(answered: false);
        Assert.Null(account.AppliedPosition(sentUpTo: At(40)));
        account.Applied(5);
        Assert.Equal(At(40), account.AppliedPosition(sentUpTo: At(40)));
        account.Sent(new Sending(new AckMark(6, 60), At(40), [A]));
        account.Sent(new Sending(new AckMark(7, 70), At(60), [A]));
        Assert.Equal(At(40), account.AppliedPosition(sentUpTo: At(70)));
        account.Applied(6);
        Assert.Equal(At(60), account.AppliedPosition(sentUpTo: At(70)));
        account.Applied(7);
        Assert.Equal(At(70), account.AppliedPosition(sentUpTo: At(70)));
    }

    [Fact]
    public void An_agent_that_connects_again_must_acknowledge_its_whole_configuration_first()
    {
        var account = Connected();
        account.Sent(new Sending(new AckMark(6, 60), At(50), [A]));
        account.Applied(6);
        account.Connected();
        Assert.False(account.Answered);
        account.Applied(6);
        Assert.False(account.IsAcknowledged(new AckMark(6, 60)));
        account.SentWhole(8);
        account.Applied(8);
        Assert.True(account.Answered);
        Assert.True(account.IsAcknowledged(new AckMark(6, 60)));
    }

    [Fact]
    public void A_lost_vRouter_is_awaited_by_no_owner()
    {
        var account = Connected();
        account.Sent(new Sending(new AckMark(6, 60), At(50), [A, B]));
        account.GiveUp();
        Assert.Equal([A, B], _ledger.TakeAcknowledged(_now).Order());
        Assert.False(account.IsBehind || account.Awaits(A) || account.Awaits(B));
    }

    [Fact]
    public void An_agent_that_never_acknowledges_costs_a_limited_number_of_messages()
    {
        var account = Connected();
        const int Most = VirtualRouterLedger.Account.MostOutstanding;
        for (var i = 1; i <= Most + 100; i++) account.Sent(new Sending(new AckMark(5 + (ulong)i, 100 + i), At(99 + (ulong)i), [i % 2 == 0 ? A : B]));
        Assert.Equal(Most, account.OutstandingMessages);

        // The last one stands for all that are not told apart: nobody's wait ends too early.
        account.Applied(5 + Most + 50);
        Assert.True(account.Awaits(A) && account.Awaits(B));
        Assert.Equal(At(99 + Most), account.AppliedPosition(sentUpTo: At(1000 + Most)));
        account.Applied(5 + Most + 100);
        Assert.Equal([A, B], _ledger.TakeAcknowledged(_now).Distinct().Order());
        Assert.False(account.IsBehind);
        Assert.Equal(At(1000 + Most), account.AppliedPosition(sentUpTo: At(1000 + Most)));
    }

    [Fact]
    public void A_vRouter_that_was_far_behind_waits_for_its_own_messages_alone()
    {
        const int Most = VirtualRouterLedger.Account.MostOutstanding;
        var (stuck, behind) = (Connected(), Connected("compute2"));
        for (var i = 1UL; i <= Most; i++) stuck.Sent(new Sending(new AckMark(5 + i, 100), At(99), [A], DateTimeOffset.UnixEpoch));
        var now = DateTimeOffset.UnixEpoch.AddDays(1);
        for (var i = 1UL; i <= Most; i++) behind.Sent(new Sending(new AckMark(2000 + i, 200), At(199), [B], now));
        behind.Applied(2000 + Most - 1);
        Assert.Equal(At(199), behind.AppliedPosition(sentUpTo: At(300)));
        Assert.False(behind.IsOverdue(now, TimeSpan.FromMinutes(10)));

        // What is sent before it has answered is told apart again, and the rest passes by its own last message.
        behind.Sent(new Sending(new AckMark(4000, 300), At(299), [B], now));
        stuck.Sent(new Sending(new AckMark(5000, 400), At(399), [A], now));
        behind.Applied(2000 + Most);
        Assert.Equal(At(299), behind.AppliedPosition(sentUpTo: At(400)));
        Assert.True(behind.Awaits(B) && !behind.Awaits(A));
        behind.Applied(4000);
        Assert.False(behind.IsBehind || behind.Awaits(B));
        Assert.True(stuck.IsBehind && stuck.Awaits(A));
    }

    [Fact]
    public void Revisions_grow_with_the_feed_and_never_repeat()
    {
        _ledger.Position = At(100);
        Assert.Equal(100UL, _ledger.NextRevision());
        Assert.Equal(101UL, _ledger.NextRevision());
        _ledger.Position = At(50); // read again
        Assert.Equal(102UL, _ledger.NextRevision());
        _ledger.Position = At(500);
        Assert.Equal(500UL, _ledger.NextRevision());
    }

    [Fact]
    public void The_mark_of_a_change_that_is_not_sent_yet_is_that_of_the_next_message()
    {
        var account = _ledger.Open("compute1");
        _ledger.Position = At(100);
        for (var i = 1UL; i <= 3; i++) _ledger.Feed.Read(At(100).Seen, [i], more: false);
        account.LastRevision = _ledger.NextRevision();
        Assert.Equal(new AckMark(100, 3), _ledger.MarkOf("compute1", pending: false));
        Assert.Equal(new AckMark(101, 3), _ledger.MarkOf("compute1", pending: true));
        Assert.Equal(new AckMark(1, 3), _ledger.MarkOf("compute9", pending: true));
    }

    /// <summary>The same object for the same place: a position has no equality of value.</summary>
    private FeedPosition At(ulong xmax)
    {
        if (!_positions.TryGetValue(xmax, out var position)) _positions[xmax] = position = new FeedPosition(Epoch, new FeedSnapshot(xmax, []));
        return position;
    }

    private VirtualRouterLedger.Account Connected(string name = "compute1", bool answered = true)
    {
        var account = _ledger.Open(name);
        account.Connected();
        account.SentWhole(5);
        if (answered) account.Applied(5);
        return account;
    }
}
