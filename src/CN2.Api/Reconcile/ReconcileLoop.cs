namespace CN2.Api.Reconcile;

/// <summary>
/// Keeps the speaker and the vRouters equal to the resources. Each round: read the change feed, handle what other threads posted, compile
/// what that touched, put it in order, send the difference; then wait until something wakes the loop or a step is due.
/// <para>
/// THE THREADING RULE: everything here is touched by the loop's task only; others post to the <see cref="LoopInbox"/>. See
/// <see cref="LoopState"/> and <c>docs/threads.md</c>.
/// </para>
/// </summary>
internal sealed class ReconcileLoop(
    LoopState state, FeedGate feed, InboxHandler inbox, LoopDecisions decisions, Outbox outbox, FailureLog failures, TimeProvider time) : IReconcileTask
{
    private static readonly TimeSpan FailureInterval = TimeSpan.FromMilliseconds(500);

    public async Task RunAsync(CancellationToken ct)
    {
        state.EnterLoop();
        while (true)
        {
            try
            {
                var next = new NextTick();
                var more = await RoundAsync(next, ct);
                if (!more) await inbox.WaitAsync(next.WaitFrom(state.Clock.Now), ct);
            }
            catch (Exception e) when (!e.IsStop(ct))
            {
                failures.Report(e);
                await Task.Delay(FailureInterval, time, ct);
            }
        }
    }

    /// <summary>One round. True: the feed has more.</summary>
    private async Task<bool> RoundAsync(NextTick next, CancellationToken ct)
    {
        // Without the database, agents and speaker are served all the same: its failure ends the round only after the other steps.
        var (more, failure) = await feed.ReadAsync(state.Clock.Now, next, ct);
        (state.IsFeedAway, state.FeedReadAt) = (feed.IsAway, feed.ReadAt);
        inbox.HandleAll();
        var now = state.Clock.Now;
        decisions.Compile(now, next, isMidPage: feed.IsMidPage);
        outbox.Send(now, next);
        feed.Schedule(now, next);
        decisions.Lead(now, next);
        failure?.Throw();
        return more;
    }
}
