using CN2.Api.Reconcile;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Events of other threads are handled in a round of the loop, and none of their senders can keep the loop in it.</summary>
public sealed class InboxHandlerTests : IAsyncDisposable
{
    private readonly LoopParts _parts = new(replace: services => services.AddSingleton<ILeaderTasks, RecordingLeaderTasks>());

    public ValueTask DisposeAsync() => _parts.DisposeAsync();

    [Fact]
    public async Task A_round_handles_a_limited_number_of_events_and_the_next_one_follows_at_once()
    {
        var (handler, inbox) = (_parts.Get<InboxHandler>(), _parts.Get<LoopInbox>());
        for (var i = 0; i < 2 * InboxHandler.MostAtOnce + 1; i++) inbox.PostWithoutWaking(new AgentEvent.Seen($"compute{i}", 7));
        handler.HandleAll();
        Assert.Equal(InboxHandler.MostAtOnce, _parts.State.Ledger.Accounts.Count());
        await handler.WaitAsync(TimeSpan.FromHours(1), TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        handler.HandleAll();
        handler.HandleAll();
        Assert.Equal((2 * InboxHandler.MostAtOnce) + 1, _parts.State.Ledger.Accounts.Count());
        Assert.Empty(_parts.TakeEvents());
    }
}
