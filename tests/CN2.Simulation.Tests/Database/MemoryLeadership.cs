using CN2.Api.Data;
using CN2.Api.Reconcile;
using CN2.Simulation.Tests.Scheduling;

namespace CN2.Simulation.Tests.Database;

/// <summary>Takes the advisory lock, keeps it, and loses it with its session.</summary>
internal sealed class MemoryLeadership(DatabaseLink link, LeaderLock leaderLock, Machine machine, LoopInbox inbox, TimeProvider time) : IReconcileTask, ILeadership
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    public bool IsLeading { get; private set; }

    public async Task RunAsync(CancellationToken ct)
    {
        while (true)
        {
            try
            {
                while (!await link.CallAsync(_ => leaderLock.TryTake(machine))) await Task.Delay(RetryInterval, time, ct);
                SetLeading(true);
                while (true)
                {
                    await Task.Delay(ControlNodeStore.BeatInterval, time, ct);
                    if (!await link.CallAsync(_ => leaderLock.IsHeldBy(machine))) throw new InvalidOperationException("The session is gone.");
                }
            }
            catch (Exception)
            {
                SetLeading(false);
                await Task.Delay(RetryInterval, time, ct);
            }
        }
    }

    private void SetLeading(bool isLeading)
    {
        if (IsLeading == isLeading) return;
        IsLeading = isLeading;
        inbox.Post(new LeaderEvent.LeadershipChanged(isLeading));
    }
}
