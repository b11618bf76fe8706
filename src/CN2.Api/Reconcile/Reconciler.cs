namespace CN2.Api.Reconcile;

/// <summary>
/// Runs the reconciler: reads everything once, then starts its tasks (<see cref="IReconcileTask"/>). When the server stops, routes and
/// entries stay where they are.
/// </summary>
internal sealed class Reconciler(
    ReconcileStart start, AgentInbox agents, AgentRelocation relocation, IEnumerable<IReconcileTask> tasks, FailureLog failures, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            agents.Listen();
            await LoadAsync(stoppingToken);
            relocation.Loaded();
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            var running = tasks.Select(t => t.RunAsync(stop.Token)).ToList();
            // No task ends by itself: one that does has thrown, and the server must not go on without it.
            await Task.WhenAny(running);
            await stop.CancelAsync();
            await Task.WhenAll(running);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The server stops.
        }
    }

    private async Task LoadAsync(CancellationToken ct)
    {
        while (true)
        {
            try
            {
                await start.LoadAsync(ct);
                failures.Succeeded();
                return;
            }
            catch (Exception e) when (!e.IsStop(ct))
            {
                failures.Report(e);
                await Task.Delay(RetryInterval, time, ct);
            }
        }
    }
}
