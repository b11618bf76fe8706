using CN2.Api.Data;
using Npgsql;

namespace CN2.Api.Reconcile;

/// <summary>
/// Takes and keeps the leadership: one replica writes statuses, serves pending Services and finishes deletions. The lock belongs to a
/// database session, so it is free the moment its holder is gone.
/// </summary>
internal sealed partial class Leadership(DedicatedConnection dedicated, LoopInbox inbox, TimeProvider time, ILogger<Leadership> logger) : IReconcileTask, ILeadership
{
    /// <summary>The advisory lock that the leader holds: "CN2" in ASCII.</summary>
    public const int LockKey = 0x434E32;

    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    private volatile bool _isLeading;

    /// <summary>This replica leads. May be read from any thread.</summary>
    public bool IsLeading => _isLeading;

    public async Task RunAsync(CancellationToken ct)
    {
        while (true)
        {
            try
            {
                await LeadAsync(ct);
            }
            catch (Exception e) when (!e.IsStop(ct))
            {
                SetLeading(false);
                LogLost(e.Message);
                await Task.Delay(RetryInterval, time, ct);
            }
        }
    }

    /// <summary>Waits for the lock and then leads until the session that holds it fails.</summary>
    private async Task LeadAsync(CancellationToken ct)
    {
        await using var connection = await dedicated.OpenAsync(ct);
        await using var acquire = new NpgsqlCommand("SELECT pg_try_advisory_lock($1)", connection) { Parameters = { new() { Value = (long)LockKey } } };
        while (!(bool)(await acquire.ExecuteScalarAsync(ct))!) await Task.Delay(RetryInterval, time, ct);
        SetLeading(true);
        LogLeading();
        await using var alive = new NpgsqlCommand("SELECT 1", connection);
        while (true)
        {
            await Task.Delay(ControlNodeStore.BeatInterval, time, ct);
            await alive.ExecuteScalarAsync(ct);
        }
    }

    private void SetLeading(bool isLeading)
    {
        if (_isLeading == isLeading) return;
        _isLeading = isLeading;
        inbox.Post(new LeaderEvent.LeadershipChanged(isLeading));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "This replica leads: it writes statuses and finishes deletions")]
    private partial void LogLeading();

    [LoggerMessage(Level = LogLevel.Warning, Message = "Leadership is open: {Reason}")]
    private partial void LogLost(string reason);
}
