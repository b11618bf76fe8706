using CN2.Api.Data;

namespace CN2.Api.Allocation;

/// <summary>
/// Runs <see cref="ServicePools"/> after the migrations and before the first request. While the schema is not migrated yet
/// (<c>Database__Migrate=false</c>) or the database is away, it tries again; until it succeeds no cluster IP is allocated.
/// </summary>
public sealed partial class ServicePoolsStartup(ServicePools pools, TimeProvider time, ILogger<ServicePoolsStartup> logger) : BackgroundService
{
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!await TryAsync(cancellationToken)) await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!await TryAsync(stoppingToken)) await Task.Delay(TimeSpan.FromSeconds(1), time, stoppingToken);
    }

    private async Task<bool> TryAsync(CancellationToken ct)
    {
        try
        {
            await pools.EnsureAsync(ct);
            return true;
        }
        catch (Exception e) when (PostgresErrors.Find(e) is not null || PostgresErrors.IsAway(e))
        {
            LogPutOff(e.Message);
            return false;
        }
    }

    [LoggerMessage(EventId = 200, Level = LogLevel.Warning, Message = "Pools of cluster IPs and node ports cannot be prepared yet, trying again: {Reason}")]
    private partial void LogPutOff(string reason);
}
