using CN2.Api.Options;

namespace CN2.Api.Data;

/// <summary>
/// Before anything else starts: waits up to 30 s for PostgreSQL, which may be starting too, checks that it can be used, and applies
/// migrations unless that is switched off.
/// </summary>
public sealed partial class DatabaseStartup(DatabaseCheck check, Migrator migrator, DatabaseOptions options, TimeProvider time, ILogger<DatabaseStartup> logger) : IHostedLifecycleService
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        var giveUp = time.GetTimestamp();
        while (true)
        {
            try
            {
                await check.SettingsAsync(cancellationToken);
                if (options.Migrate) await migrator.MigrateAsync(cancellationToken);
                else if (!await migrator.IsCurrentAsync(cancellationToken)) return;
                await check.RightsAsync(cancellationToken);
                return;
            }
            catch (Exception e) when (PostgresErrors.IsAway(e) && time.GetElapsedTime(giveUp) < Patience)
            {
                Waiting(logger, e.GetBaseException().Message);
                await Task.Delay(TimeSpan.FromSeconds(1), time, cancellationToken);
            }
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(EventId = 102, Level = LogLevel.Warning, Message = "Waiting for the database: {Reason}")]
    private static partial void Waiting(ILogger logger, string reason);
}
