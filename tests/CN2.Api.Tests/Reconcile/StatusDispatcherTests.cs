using CN2.Api.Reconcile;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Which drafts are handed to the recorder, and when the loop is woken for the rest. On fake time.</summary>
public sealed class StatusDispatcherTests : IAsyncDisposable
{
    private readonly RecordingStatusRecorder _recorder = new();
    private readonly LoopParts _parts;

    public StatusDispatcherTests() => _parts = new LoopParts(replace: services => services.AddSingleton<IStatusRecorder>(_recorder));

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Fact]
    public void Without_due_owners_nothing_is_handed_over_and_no_time_is_asked_for()
    {
        Assert.Null(Send());
        Assert.Empty(_recorder.Batches);
    }

    [Fact]
    public void An_owner_is_drafted_when_it_has_settled()
    {
        Touch(1);
        Assert.Equal(_parts.Now + StatusQueue.SettleTime, Send());
        Assert.Empty(_recorder.Batches);
        Settle();
        Assert.Null(Send());
        Assert.Equal([Sample.Uid(1)], Assert.Single(_recorder.Batches));
    }

    [Fact]
    public void A_service_is_handed_over_with_its_floating_IPs()
    {
        _parts.State.Resources.Put(Sample.Network);
        _parts.State.Resources.Put(Sample.Service(1));
        _parts.State.Resources.Put(Sample.FloatingIP(5, service: 1));
        _parts.State.Statuses.Add(Sample.Service(1).Uid);
        SendSettled();
        Assert.Equal([Sample.Service(1).Uid, Sample.Uid(5)], Assert.Single(_recorder.Batches));
    }

    [Fact]
    public void No_batch_follows_until_the_last_one_is_written()
    {
        Touch(1);
        SendSettled();
        Touch(2);
        SendSettled();
        Assert.Single(_recorder.Batches);
        _parts.State.Statuses.WereWritten();
        Send();
        Assert.Equal([Sample.Uid(2)], _recorder.Batches[1]);
    }

    [Fact]
    public void Only_the_news_of_a_batch_are_handed_over()
    {
        Touch(1);
        SendSettledAndWrite();
        Touch(1);
        Touch(2);
        SendSettled();
        Assert.Equal([Sample.Uid(2)], _recorder.Batches[1]);
    }

    [Fact]
    public void A_new_leader_hands_over_drafts_that_equal_the_last_ones()
    {
        Touch(1);
        SendSettledAndWrite();
        _parts.Get<StatusDispatcher>().DraftAll();
        SendSettled();
        Assert.Equal([Sample.Uid(1)], _recorder.Batches[1]);
    }

    [Fact]
    public void An_owner_that_is_gone_has_no_draft()
    {
        _parts.State.Statuses.Add(Sample.Uid(9));
        SendSettled();
        Assert.Empty(_recorder.Batches);
        Assert.True(_parts.State.Statuses.IsEmpty);
    }

    [Fact]
    public void A_batch_without_news_wakes_the_loop_for_the_next_batch()
    {
        var all = Enumerable.Range(1, StatusQueue.BatchSize + 1).ToList();
        all.ForEach(Touch);
        SendSettledAndWrite();
        Assert.False(IsWoken()); // the recorder's event wakes it
        Send();
        _parts.State.Statuses.WereWritten();
        Assert.Equal([StatusQueue.BatchSize, 1], _recorder.Batches.Select(b => b.Count));

        all.ForEach(Touch); // no draft is news, so the recorder sends no event
        SendSettled();
        Assert.False(_parts.State.Statuses.IsEmpty);
        Assert.True(IsWoken());
        Send();
        Assert.True(_parts.State.Statuses.IsEmpty);
        Assert.False(IsWoken());
        Assert.Equal(2, _recorder.Batches.Count);
    }

    [Fact]
    public async Task What_was_drafted_while_a_session_was_away_for_a_moment_is_drafted_again()
    {
        await _parts.Speaker.StartAsync(TestContext.Current.CancellationToken);
        await _parts.Speaker.SetPeersAsync([Drivers.GoBgp.Spec.Peer("vmx1", 245)], TestContext.Current.CancellationToken);
        _parts.Speaker.Establish("vmx1");
        Assert.True(_parts.Get<SessionWatch>().TakeReachChanged());
        _parts.Speaker.Establish("vmx1", "Active");
        Touch(1);
        SendSettledAndWrite();
        _parts.Speaker.Establish("vmx1");
        Assert.False(_parts.Get<SessionWatch>().TakeReachChanged());
        Send();
        Assert.False(_parts.State.Statuses.IsEmpty);
        Settle();
        Send();
        Assert.True(_parts.State.Statuses.IsEmpty);
    }

    [Fact]
    public void What_an_agent_is_just_being_sent_is_drafted_when_it_has_had_the_time_to_answer()
    {
        // A control node that starts: the owner is due in the round in which the agents get everything.
        Touch(1);
        _parts.State.Sequencer.Set(Sample.Uid(1), Compiled.With(Sample.Uid(1), Sample.Route(1)), _parts.Now);
        Send();
        Settle();
        _parts.Get<VRouterDispatcher>().Connected("compute1");
        _parts.Get<VRouterDispatcher>().Flush();
        Assert.Equal(_parts.Now + StatusQueue.SettleTime, Send());
        Assert.Empty(_recorder.Batches);

        // The next messages do not put it off any more, so an agent that never answers does not either.
        Settle(0.9);
        SendEntries(2);
        Assert.Equal(_parts.Now + 0.1 * StatusQueue.SettleTime, Send());
        Settle(0.1);
        SendEntries(1);
        Send();
        Assert.Equal([Sample.Uid(1)], Assert.Single(_recorder.Batches));

        void SendEntries(int route)
        {
            _parts.State.Sequencer.Set(Sample.Uid(1), Compiled.With(Sample.Uid(1), Sample.Route(route)), _parts.Now);
            _parts.Get<VRouterDispatcher>().Flush();
        }
    }

    [Fact]
    public void What_an_agent_that_connects_is_awaited_for_is_drafted_when_it_has_had_the_time_to_answer()
    {
        _parts.State.Ledger.Open("compute1");
        Touch(1);
        _parts.State.Sequencer.Set(Sample.Uid(1), Compiled.With(Sample.Uid(1), Sample.Route(1)), _parts.Now);
        _parts.Get<VRouterDispatcher>().Flush(); // its agent has not dialled yet
        Send();
        Settle();
        _parts.Get<VRouterDispatcher>().Connected("compute1");
        _parts.Get<VRouterDispatcher>().Flush();
        Send();
        Assert.Empty(_recorder.Batches);
        Settle();
        Send();
        Assert.Single(_recorder.Batches);
    }

    private void Touch(int n)
    {
        _parts.State.Resources.Put(Sample.FloatingIP(n));
        _parts.State.Statuses.Add(Sample.Uid(n));
    }

    /// <summary>One round; the time by which it wants the next one.</summary>
    private DateTimeOffset? Send()
    {
        var next = new NextTick();
        _parts.Get<StatusDispatcher>().Send(_parts.Now, next);
        return next.At;
    }

    private void Settle(double part = 1) => _parts.Time.Advance(part * StatusQueue.SettleTime);

    /// <summary>A round in which the owners begin to settle, and one in which they have settled.</summary>
    private void SendSettled()
    {
        Send();
        Settle();
        Send();
    }

    private void SendSettledAndWrite()
    {
        SendSettled();
        _parts.State.Statuses.WereWritten();
    }

    /// <summary>The loop would run at once. Takes the wake-up.</summary>
    private bool IsWoken()
    {
        using var stop = new CancellationTokenSource();
        var wait = _parts.Get<LoopInbox>().WaitAsync(TimeSpan.FromHours(1), stop.Token);
        stop.Cancel();
        return wait.IsCompletedSuccessfully;
    }
}
