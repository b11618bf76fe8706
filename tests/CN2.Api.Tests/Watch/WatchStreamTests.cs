using System.IO.Pipelines;
using System.Text;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Watch;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace CN2.Api.Tests.Watch;

/// <summary>The body of a watch, with time and the client in the test's hand.</summary>
public sealed class WatchStreamTests(ApiServer api) : IClassFixture<ApiServer>
{
    private readonly FakeTimeProvider _time = new();
    private readonly WatchHub _hub = api.Services.GetRequiredService<WatchHub>();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_event_has_its_verb_its_data_and_the_resume_token()
    {
        using var subscription = await SubscribeAsync();
        var body = new MemoryStream();
        subscription.Deliver(Event(7, "first"));
        subscription.Deliver(Event(8, "second"));
        await StopAfterAsync(subscription, body, "second");
        Assert.Equal($"event: modified\ndata: \"first\"\nid: {TokenText(7)}\n\nevent: modified\ndata: \"second\"\nid: {TokenText(8)}\n\n", Encoding.UTF8.GetString(body.ToArray()));
    }

    [Fact]
    public async Task A_comment_every_15_seconds_keeps_a_quiet_stream_open()
    {
        using var subscription = await SubscribeAsync();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var pipe = new Pipe();
        var sending = Stream(subscription).SendAsync(pipe.Writer.AsStream(), subscription.Start, stop.Token);
        using var reader = new StreamReader(pipe.Reader.AsStream());
        foreach (var _ in Enumerable.Range(0, 2))
        {
            var line = reader.ReadLineAsync(Token).AsTask();
            await Eventually.TrueAsync(() =>
            {
                // The stream may not have begun to wait yet; then this step of the clock passes it by.
                _time.Advance(WatchStream.HeartbeatInterval);
                return Task.FromResult(line.IsCompleted);
            });
            Assert.Equal(": heartbeat", await line);
            Assert.Equal("", await reader.ReadLineAsync(Token));
        }

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
    }

    [Fact]
    public async Task A_client_that_is_too_slow_gets_the_queued_events_and_then_the_stream_ends()
    {
        using var subscription = await SubscribeAsync();
        foreach (var i in Enumerable.Range(1, 10_001)) subscription.Deliver(Event(i, "x"));
        var body = new MemoryStream();
        await Stream(subscription).SendAsync(body, subscription.Start, Token);
        Assert.EndsWith($"id: {TokenText(10_000)}\n\n", Encoding.UTF8.GetString(body.ToArray()), StringComparison.Ordinal);
    }

    private async Task<WatchSubscription> SubscribeAsync() =>
        await _hub.SubscribeAsync(new WatchFilter(new HashSet<ResourceKind> { ResourceKind.ServiceHealthCheck }, "nowhere"), Token);

    private WatchStream Stream(WatchSubscription subscription) =>
        new(subscription.Filter, _ => Task.FromResult(subscription), _hub, api.Services.GetRequiredService<WatchedKinds>(), api.Services.GetRequiredService<ChangeFeedReader>(), _time);

    /// <summary>Sends until the text has arrived; the stream itself would go on.</summary>
    private async Task StopAfterAsync(WatchSubscription subscription, MemoryStream body, string text)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var sending = Stream(subscription).SendAsync(body, subscription.Start, stop.Token);
        await Eventually.TrueAsync(() => Task.FromResult(Encoding.UTF8.GetString(body.ToArray()).Contains(text, StringComparison.Ordinal)));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
    }

    private static string TokenText(long id) => $"{Guid.Empty:N}.4000000000..4000000000.{id}";

    private static WatchEvent Event(long id, string text) => new(
        new FeedPosition(Guid.Empty, new FeedSnapshot(4_000_000_000, []), 4_000_000_000, id), "modified", Encoding.UTF8.GetBytes($"\"{text}\""),
        new ChangeRow { Xid = 4_000_000_000, Id = id, Kind = ResourceKind.ServiceHealthCheck, Name = text, Verb = ChangeVerb.Modified });
}
