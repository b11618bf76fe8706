using CN2.Api.Data;
using Npgsql;

namespace CN2.Api.Allocation;

/// <summary>
/// Runs <see cref="ServicePools"/> after the migrations and before the first request. Where the schema is brought up to date by
/// somebody else (<c>Database__Migrate=false</c>) or the database is away, it goes on trying; until then no cluster IP is given.
/// </summary>
public sealed class ServicePoolsStartup(ServicePools pools, TimeProvider time) : BackgroundService
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
        catch (Exception e) when (e is PostgresException { SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedFunction } || PostgresErrors.IsAway(e))
        {
            return false;
        }
    }
}
