using Microsoft.Extensions.Time.Testing;

namespace CN2.VRouter.Tests;

public sealed class UpdaterInboxTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly UpdaterInbox _inbox;

    public UpdaterInboxTests() => _inbox = new UpdaterInbox(_time);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _inbox.Dispose();

    [Fact]
    public async Task All_queued_events_are_taken_at_once_in_order()
    {
        UpdaterEvent[] posted = [new UpdaterEvent.Received(Wire.Delta(1)), new UpdaterEvent.Drift("rules"), new UpdaterEvent.Received(Wire.Delta(2))];
        foreach (var item in posted) _inbox.Post(item);
        Assert.Equal(posted, await _inbox.TakeAllAsync(Cancellation));
    }

    [Fact]
    public async Task A_retry_arrives_once_when_its_time_has_passed()
    {
        _inbox.RetryAfter(TimeSpan.FromSeconds(2));
        var taken = _inbox.TakeAllAsync(Cancellation);
        _time.Advance(TimeSpan.FromSeconds(1.9));
        Assert.False(taken.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal([new UpdaterEvent.Retry()], await taken);

        taken = _inbox.TakeAllAsync(Cancellation);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.False(taken.IsCompleted);
        _inbox.Post(new UpdaterEvent.Drift("ends the wait"));
        await taken;
    }

    [Fact]
    public async Task A_second_retry_replaces_the_first()
    {
        _inbox.RetryAfter(TimeSpan.FromSeconds(2));
        _time.Advance(TimeSpan.FromSeconds(1));
        _inbox.RetryAfter(TimeSpan.FromSeconds(2));
        var taken = _inbox.TakeAllAsync(Cancellation);
        _time.Advance(TimeSpan.FromSeconds(1.5));
        Assert.False(taken.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.5));
        Assert.Single(await taken);
    }

    [Fact]
    public async Task A_flood_of_drift_does_not_fill_the_queue()
    {
        for (var i = 0; i < 1000; i++) _inbox.Post(new UpdaterEvent.Drift($"change {i}"));
        Assert.Equal(16, (await _inbox.TakeAllAsync(Cancellation)).Count);
        _inbox.Post(new UpdaterEvent.Drift("a later change"));
        Assert.Equal([new UpdaterEvent.Drift("a later change")], await _inbox.TakeAllAsync(Cancellation));
    }
}
