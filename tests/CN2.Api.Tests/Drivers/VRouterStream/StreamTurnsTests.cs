using System.Net;
using CN2.Api.Drivers;
using CN2.Api.Drivers.VRouterStream;
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
        _sessions = [.. Enumerable.Range(0, Streams).Select(i => new VRouterSession(new VRouterHello($"node{i}", IPAddress.Loopback, null, "1.0"), default, _time, _stop))];
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

    private void Hold(VRouterSession session)
    {
        if (session.Hold([Change])) _turns.Add(session);
    }

    /// <summary>A session that holds nothing takes a change as its first; that is undone.</summary>
    private List<VRouterSession> StillHolding() => [.. _sessions.Where(s =>
    {
        if (!s.Hold([Change])) return true;
        s.Release();
        return false;
    })];
}
