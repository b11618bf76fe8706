using CN2.Api.Data;
using CN2.Api.Options;

namespace CN2.Api.Reconcile;

/// <summary>
/// Notes in the database which addresses this control node and its database server have, at the start and then every
/// <see cref="Interval"/>. Apart from the heartbeat: it may have to wait for writers of FloatingIPs.
/// </summary>
internal sealed partial class InfrastructureReport(
    InfrastructureStore store, OwnAddresses addresses, ControlNodeOptions self, TimeProvider time, ILogger<InfrastructureReport> logger) : IReconcileTask
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(2);

    public async Task RunAsync(CancellationToken ct)
    {
        while (true)
        {
            var known = false;
            try
            {
                (known, var conflict) = await store.SaveAsync(self.Name, await addresses.OfThisNodeAsync(ct), await addresses.OfDatabaseAsync(ct), ct);
                if (conflict is not null) LogConflict(conflict);
            }
            catch (Exception e) when (!e.IsStop(ct))
            {
                LogFailed(e.Message);
            }

            await Task.Delay(known ? Interval : RetryInterval, time, ct);
        }
    }

    [LoggerMessage(EventId = 217, Level = LogLevel.Error, Message = "An address of this control node or of its database server {Holder}: delete what holds it")]
    private partial void LogConflict(string holder);

    [LoggerMessage(EventId = 218, Level = LogLevel.Warning, Message = "The addresses of this control node could not be noted, trying again: {Reason}")]
    private partial void LogFailed(string reason);
}
