using CN2.Api.Reconcile;
using CN2.Api.Threading;
using Microsoft.Extensions.Time.Testing;

namespace CN2.Api.Tests.Reconcile;

public sealed class LoopTimeTests
{
    private static readonly DateTimeOffset Now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_clock_follows_elapsed_time_when_the_wall_clock_is_set()
    {
        var time = new AdjustableWallClock();
        var clock = new LoopClock(time);
        time.Elapsed.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(Now + TimeSpan.FromSeconds(5), clock.Now);
        time.Set(Now - TimeSpan.FromHours(1));
        Assert.Equal(Now - TimeSpan.FromHours(1), time.GetUtcNow());
        Assert.Equal(Now + TimeSpan.FromSeconds(5), clock.Now);
    }

    [Fact]
    public void The_next_tick_is_the_earliest_that_was_asked_for()
    {
        var next = new NextTick();
        Assert.Null(next.At);
        next.NoLaterThan(null);
        next.NoLaterThan(Now + TimeSpan.FromMilliseconds(700));
        next.NoLaterThan(Now + TimeSpan.FromMilliseconds(300));
        next.NoLaterThan(Now + TimeSpan.FromMilliseconds(500));
        Assert.Equal(TimeSpan.FromMilliseconds(300), next.WaitFrom(Now));
    }

    [Theory]
    [InlineData(null, 1000)]
    [InlineData(60_000, 1000)]
    [InlineData(1000, 1000)]
    [InlineData(999, 999)]
    [InlineData(0, 1)]
    [InlineData(-5000, 1)]
    public void The_loop_waits_at_least_a_millisecond_and_at_most_a_second(int? due, int waits)
    {
        var next = new NextTick();
        next.NoLaterThan(due is { } milliseconds ? Now + TimeSpan.FromMilliseconds(milliseconds) : null);
        Assert.Equal(TimeSpan.FromMilliseconds(waits), next.WaitFrom(Now));
    }

    [Fact]
    public async Task A_wake_up_ends_the_wait_once_and_time_ends_it_too()
    {
        var time = new FakeTimeProvider();
        var ct = TestContext.Current.CancellationToken;
        var wakeUp = new AsyncSignal();
        wakeUp.Set();
        wakeUp.Set();
        await wakeUp.WaitAsync(TimeSpan.FromSeconds(1), time, ct);
        var second = wakeUp.WaitAsync(TimeSpan.FromSeconds(1), time, ct);
        Assert.False(second.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));
        await second;
        using var stop = new CancellationTokenSource();
        var third = wakeUp.WaitAsync(TimeSpan.FromSeconds(1), time, stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => third);
    }

    /// <summary>A machine whose administrator sets the clock: elapsed time goes on. (FakeTimeProvider moves both at once.)</summary>
    private sealed class AdjustableWallClock : TimeProvider
    {
        private TimeSpan _offset;

        public FakeTimeProvider Elapsed { get; } = new(Now);

        public override long TimestampFrequency => Elapsed.TimestampFrequency;

        public override long GetTimestamp() => Elapsed.GetTimestamp();

        public override DateTimeOffset GetUtcNow() => Elapsed.GetUtcNow() + _offset;

        public void Set(DateTimeOffset wallClock) => _offset = wallClock - Elapsed.GetUtcNow();
    }
}
