using System.Net;
using CN2.Api.Data;
using CN2.Api.Reconcile;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Changes for all vRouters reach those without a change of their own at a pace, and nobody counts as up to date before.</summary>
public sealed class CommonPaceTests : IAsyncDisposable
{
    private static readonly CommonPace Pace = new(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(100), 2, SharedFrom: 500);
    private static readonly Guid First = Sample.Uid(4001);
    private static readonly Guid Second = Sample.Uid(4002);
    private static readonly Guid Third = Sample.Uid(4003);
    private readonly LoopParts _parts = new(replace: services => services.AddSingleton(Pace));
    private readonly VRouterDispatcher _dispatcher;

    public CommonPaceTests()
    {
        _dispatcher = _parts.Get<VRouterDispatcher>();
        foreach (var router in (string[])["compute1", "compute2", "compute3"]) Compiled.Acknowledge(_parts, router);
        // The pace begins with a change for all.
        Set(First, 1, "compute2");
        Assert.Equal(["compute1", "compute2", "compute3"], Flush());
        AcknowledgeAll();
    }

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 100)]
    [InlineData(5000, 100)]
    public void There_is_no_pace_for_few_agents_and_an_end_to_it_for_many(int agents, int milliseconds) => Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), Pace.Of(agents));

    [Fact]
    public void A_vRouter_with_a_change_of_its_own_gets_it_at_once_and_the_others_theirs_in_a_moment()
    {
        var sent = _parts.State.Ledger.SentReading;
        _parts.State.Ledger.Feed.ReadAll(new FeedPosition(Guid.Empty, FeedSnapshot.Nothing), []);
        Set(Second, 2, "compute2");
        Assert.Equal(["compute2"], Flush());
        Set(Third, 3, "compute3");
        Assert.Equal(["compute3"], Flush());
        Assert.Equal([Sample.AddressOf(2), Sample.AddressOf(3)], PutOn("compute3"));
        AcknowledgeAll();
        Assert.Contains("compute1", AwaitedBy(Second));
        Assert.Contains("compute1", AwaitedBy(Third));
        Assert.Equal(sent, _parts.State.Ledger.SentReading);
        _parts.Time.Advance(Pace.Longest - TimeSpan.FromMilliseconds(1));
        Assert.Empty(Flush());

        _parts.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(["compute1", "compute2"], Flush()); // the third vRouter has it all
        Assert.Equal([Sample.AddressOf(2), Sample.AddressOf(3)], PutOn("compute1"));
        Assert.Equal([Sample.AddressOf(3)], PutOn("compute2"));
        Assert.Equal(sent + 1, _parts.State.Ledger.SentReading);
        Assert.Equal(["compute1", "compute2"], AwaitedBy(Second)); // whoever is sent some of the changes for all is awaited by the owners of all
        Assert.Equal(["compute1", "compute2"], AwaitedBy(Third));
        AcknowledgeAll();
        Assert.Empty(AwaitedBy(Second));
        Assert.Empty(AwaitedBy(Third));
        Assert.Empty(Flush());
    }

    [Fact]
    public void What_waits_for_the_next_message_to_a_vRouter_waits_for_the_one_that_brings_it()
    {
        Set(Second, 2, "compute2");
        Assert.Equal(["compute2"], Flush());
        var account = _parts.State.Ledger.Open("compute1");
        var mark = _parts.State.Ledger.MarkOf("compute1", pending: true);
        // Something of its own comes first, and brings all that is there.
        Set(Third, 3, "compute1");
        Assert.Equal(["compute1"], Flush());
        Assert.Equal([Sample.AddressOf(2), Sample.AddressOf(3)], PutOn("compute1"));
        Assert.False(_parts.State.Ledger.IsAcknowledged("compute1", mark));
        account.Applied(account.LastRevision);
        Assert.True(_parts.State.Ledger.IsAcknowledged("compute1", mark));
    }

    [Fact]
    public void An_agent_that_connects_meanwhile_gets_the_whole_at_once_and_is_awaited()
    {
        Set(Second, 2, "compute2");
        Flush();
        _parts.Publisher.Configs.Clear();
        _dispatcher.Connected("compute1");
        Flush();
        Assert.Contains(Sample.AddressOf(2), Assert.Single(_parts.Publisher.Configs).Config.NatEntries.Select(e => e.Key.Address));
        _parts.Time.Advance(Pace.Longest);
        Assert.Equal(["compute3"], Flush());
        Assert.Equal(["compute1", "compute2", "compute3"], AwaitedBy(Second));
    }

    [Fact]
    public void The_status_of_an_owner_is_drafted_when_all_have_been_sent_its_changes_and_have_had_time_to_answer()
    {
        Set(Second, 2, "compute2");
        _parts.State.Statuses.Add(Second);
        Assert.Equal(["compute2"], Flush());
        Assert.DoesNotContain(Second, Due());
        AcknowledgeAll();
        _parts.State.Statuses.Add(_parts.State.Ledger.TakeAcknowledged(_parts.Now));
        _parts.Time.Advance(StatusQueue.SettleTime);
        Set(Third, 3, "compute3");
        Assert.Equal(["compute3"], Flush()); // which is sent the changes of the other owner too
        Assert.DoesNotContain(Second, Due());
        _parts.Time.Advance(Pace.Longest - StatusQueue.SettleTime);
        Assert.Equal(["compute1", "compute2"], Flush());
        Assert.DoesNotContain(Second, Due());
        AcknowledgeAll();
        _parts.Time.Advance(StatusQueue.SettleTime);
        Assert.Contains(Second, Due());
    }

    [Fact]
    public void A_status_waits_until_the_agents_that_get_a_change_one_after_the_other_have_answered_but_for_none_that_is_silent()
    {
        _parts.Publisher.InTurn.Clear();
        Set(Second, 2, "compute2");
        Flush();
        Assert.Empty(_parts.Publisher.InTurn); // compute2 gets what is its own
        _parts.State.Statuses.Add(Second);
        _parts.Time.Advance(Pace.Longest);
        Assert.Equal(["compute1", "compute3"], Flush());
        Assert.Equal(["compute1", "compute3"], _parts.Publisher.InTurn.Order());
        Acknowledge("compute2");
        Acknowledge("compute1");
        Assert.DoesNotContain(Second, Due());
        _parts.Time.Advance(StatusQueue.SettleTime);
        Assert.DoesNotContain(Second, Due());
        _parts.Time.Advance(StatusQueue.LongestPass);
        Assert.Contains(Second, Due()); // compute3 does not answer

        Set(Third, 3, "compute2");
        _parts.State.Statuses.Add(Third);
        Assert.Equal(["compute1", "compute2", "compute3"], Flush());
        AcknowledgeAll();
        Assert.DoesNotContain(Third, Due());
        _parts.Time.Advance(StatusQueue.SettleTime);
        Assert.Contains(Third, Due());
    }

    [Fact]
    public void Owners_that_wait_for_the_same_message_wait_for_one_thing()
    {
        var ledger = _parts.State.Ledger;
        Set(Second, 2, "compute2");
        Set(Third, 3, "compute2");
        Flush();
        Assert.NotNull(ledger.SharedWaitOf(Second)); // what the others are not sent yet
        Assert.Same(ledger.SharedWaitOf(Second), ledger.SharedWaitOf(Third));
        Acknowledge("compute2");
        _parts.Time.Advance(Pace.Longest);
        Flush();
        Assert.IsType<Sending>(ledger.SharedWaitOf(Second));
        Assert.Same(ledger.SharedWaitOf(Second), ledger.SharedWaitOf(Third));
        AcknowledgeAll();
        Assert.Null(ledger.SharedWaitOf(Second));
    }

    private void Set(Guid owner, int address, string router) => _parts.State.Sequencer.Set(owner, Compiled.With(owner, Sample.Route(address, router)), _parts.Now);

    /// <summary>Who was sent a change.</summary>
    private List<string> Flush()
    {
        _parts.Publisher.Deltas.Clear();
        _dispatcher.Flush();
        return [.. _parts.Publisher.Deltas.Select(d => d.Name).Order()];
    }

    /// <summary>The entries of the last change to this vRouter.</summary>
    private List<IPAddress?> PutOn(string router) =>
        [.. _parts.Publisher.Deltas.Last(d => d.Name == router).Delta.NatEntries.Select(e => e.Key.Address).OrderBy(a => $"{a}", StringComparer.Ordinal)];

    /// <summary>The owners whose statuses are drafted now.</summary>
    private IReadOnlyList<Guid> Due() => _parts.State.Statuses.Take(_parts.Now, new NextTick(), owner => _parts.State.Ledger.IsBeingSent(owner, _parts.Now));

    private void Acknowledge(string router)
    {
        var account = _parts.State.Ledger.Open(router);
        account.Applied(account.LastRevision);
    }

    private void AcknowledgeAll()
    {
        foreach (var account in _parts.State.Ledger.Accounts) account.Applied(account.LastRevision);
    }

    private List<string> AwaitedBy(Guid owner) => [.. _parts.State.Ledger.AwaitedBy(owner).Select(a => a.Name).Order()];
}
