using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Drivers.VRouterStream;
using CN2.Api.Reconcile;
using CN2.VRouter.V1;
using Microsoft.Extensions.Time.Testing;

namespace CN2.Api.Tests.Drivers.VRouterStream;

/// <summary>Of many streams that hold a change, a few write it at a time.</summary>
public sealed class StreamTurnsTests : IDisposable
{
    private const int Streams = (2 * StreamTurns.OfTick) + 10;

    private static readonly EncodedMessage Change = EncodedMessage.Of(new ServerMessage());
    private readonly FakeTimeProvider _time = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly StreamTurns _turns;
    private readonly List<VRouterSession> _sessions;

    public StreamTurnsTests()
    {
        _turns = new StreamTurns(_time);
        _sessions = Sessions(Streams);
    }

    public void Dispose()
    {
        _turns.Dispose();
        _stop.Dispose();
    }

    [Fact]
    public void Each_tick_lets_so_many_write_in_the_order_in_which_they_came()
    {
        foreach (var session in _sessions) Hold(session);
        Assert.Equal(_sessions, StillHolding());
        _time.Advance(StreamTurns.Tick);
        Assert.Equal(_sessions.Skip(StreamTurns.OfTick), StillHolding());
        _time.Advance(StreamTurns.Tick);
        Assert.Equal(_sessions.Skip(2 * StreamTurns.OfTick), StillHolding());
        _time.Advance(StreamTurns.Tick);
        Assert.Empty(StillHolding());
    }

    [Fact]
    public void After_a_rest_turns_go_on()
    {
        Hold(_sessions[0]);
        _time.Advance(StreamTurns.Tick);
        Assert.Empty(StillHolding());
        _time.Advance(TimeSpan.FromSeconds(1));
        Hold(_sessions[1]);
        Hold(_sessions[0]);
        _time.Advance(StreamTurns.Tick);
        Assert.Empty(StillHolding());
    }

    [Fact]
    public void A_stream_that_has_written_what_it_held_with_something_else_may_hold_more()
    {
        Hold(_sessions[0]);
        _sessions[0].Enqueue([Change]);
        Hold(_sessions[0]);
        for (var i = 1; i <= StreamTurns.OfTick; i++) Hold(_sessions[i]);
        _time.Advance(2 * StreamTurns.Tick);
        Assert.Empty(StillHolding());
    }

    [Fact]
    public void Streams_that_have_written_what_they_held_take_no_turn_of_the_others()
    {
        for (var i = 0; i < StreamTurns.OfTick; i++)
        {
            Hold(_sessions[i]);
            _sessions[i].Enqueue([Change]);
        }

        for (var i = 0; i < StreamTurns.OfTick; i++) Hold(_sessions[StreamTurns.OfTick + i]);
        _time.Advance(StreamTurns.Tick);
        Assert.Empty(StillHolding());
    }

    [Fact]
    public void A_stream_waits_for_one_turn_however_often_it_has_written_in_between()
    {
        Assert.True(_sessions[0].Hold([Change]));
        for (var i = 0; i < 100; i++)
        {
            _sessions[0].Enqueue([Change]);
            Assert.False(_sessions[0].Hold([Change]));
        }

        Assert.True(_sessions[0].TakeTurn());
        Assert.False(_sessions[0].TakeTurn());
        Assert.True(_sessions[0].Hold([Change]));
    }

    [Fact]
    public void A_stream_that_has_ended_holds_nothing_any_more()
    {
        Assert.True(_sessions[0].Hold([Change]));
        _stop.Cancel();
        Assert.False(_sessions[0].TakeTurn());
        Assert.False(_sessions[0].IsHolding);
        Assert.False(_sessions[0].Hold([Change]));
    }

    [Fact]
    public void However_many_wait_all_have_their_turn_before_the_next_change_for_all()
    {
        Assert.True(StreamTurns.Longest <= CommonPace.Default.Longest);
        var sessions = Sessions(10_000);
        foreach (var session in sessions) Hold(session);
        _time.Advance(StreamTurns.Tick);
        Assert.InRange(sessions.Count(s => !s.IsHolding), StreamTurns.OfTick, 150); // and not all at once
        for (var ticks = 1; ticks < StreamTurns.Longest / StreamTurns.Tick; ticks++) _time.Advance(StreamTurns.Tick);
        Assert.DoesNotContain(sessions, s => s.IsHolding);

        _time.Advance(StreamTurns.Tick);
        foreach (var session in _sessions) Hold(session);
        _time.Advance(StreamTurns.Tick);
        Assert.Equal(_sessions.Skip(StreamTurns.OfTick), StillHolding());
    }

    private void Hold(VRouterSession session)
    {
        if (session.Hold([Change])) _turns.Add(session);
    }

    private List<VRouterSession> StillHolding() => _sessions.FindAll(s => s.IsHolding);

    private List<VRouterSession> Sessions(int count) =>
        [.. Enumerable.Range(0, count).Select(i => new VRouterSession(new VRouterHello($"node{i}", IPAddress.Loopback, null, "1.0"), default, _time, _stop))];
}
