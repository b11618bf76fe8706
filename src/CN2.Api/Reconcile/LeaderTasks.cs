using CN2.Api.Data;
using CN2.Api.Services;

namespace CN2.Api.Reconcile;

/// <summary>
/// The tasks of the leading replica, carried out in the database. Everything may be done twice without harm, also by two replicas at once; what
/// frees or withdraws something is done only while the lease is held.
/// </summary>
internal sealed partial class LeaderTasks(
    IServiceLifecycle lifecycle, AgentStores stores, ReconcileCounters counters, LoopInbox inbox, TimeProvider time,
    ILogger<LeaderTasks> logger) : ILeaderTasks
{
    private static readonly TimeSpan FailureInterval = TimeSpan.FromSeconds(1);

    /// <summary>When a row of the database still forbids a deletion, asking again at once would only keep the database busy.</summary>
    private static readonly TimeSpan UnfinishedInterval = TimeSpan.FromMilliseconds(100);

    public void Finish(DeletionBatch batch, LeaderLease lease) => Run("Deletions", new LeaderEvent.DeletionsTried(batch), async () =>
    {
        if (await lifecycle.FinalizeAsync(batch.Services, batch.FloatingIPs, CancellationToken.None, lease) < batch.Count) await Task.Delay(UnfinishedInterval, time);
    });

    public void Serve(PendingBatch batch) => Run("Serving pending Services", new LeaderEvent.PendingServicesTried(), async () =>
    {
        var services = batch.Services.ToList();
        foreach (var network in batch.ChangedNetworks) services.AddRange(await lifecycle.IncompleteAsync(network, CancellationToken.None));
        await lifecycle.ServePendingAsync(services, CancellationToken.None);
    });

    public void MarkLost(LossRule rule, IReadOnlyCollection<string> carriers, LeaderLease lease) => Run("Marking lost vRouters", new LeaderEvent.LostMarked(), async () =>
    {
        var held = await stores.Reports.MarkLostAsync(lease, ControlNodeLiveness.GoneAfter, rule, carriers, CancellationToken.None);
        counters.VirtualRoutersHeld(held);
        await stores.Reports.ForgetIntrudersAsync(CancellationToken.None);
    });

    public void ReleaseEndpoints(LeaderLease lease) => Run("Releasing endpoints that were held back", new LeaderEvent.EndpointsReleased(), async () =>
        counters.EndpointsFlapping(await stores.Health.ReleaseAsync(lease, CancellationToken.None)));

    private void Run(string what, LeaderEvent done, Func<Task> work) => _ = RunAsync(what, done, work);

    private async Task RunAsync(string what, LeaderEvent done, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception e)
        {
            // A database that is away is no bug: one line, as often as the task is tried.
            if (PostgresErrors.IsAway(e)) LogDatabaseAway(what, e.GetBaseException().Message);
            else LogPostponed(e, what);
            await Task.Delay(FailureInterval, time);
        }

        inbox.Post(done);
    }

    [LoggerMessage(EventId = 219, Level = LogLevel.Warning, Message = "{What} had to be put off, because the database is away; it is tried again: {Reason}")]
    private partial void LogDatabaseAway(string what, string reason);

    [LoggerMessage(EventId = 220, Level = LogLevel.Warning, Message = "{What} had to be put off; it is tried again")]
    private partial void LogPostponed(Exception exception, string what);
}
