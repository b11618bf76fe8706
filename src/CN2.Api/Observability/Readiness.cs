using CN2.Api.Data;
using CN2.Api.Watch;
using Npgsql;

namespace CN2.Api.Observability;

/// <summary>One thing that must hold before the process takes requests; registered by whoever knows.</summary>
public interface IReadinessCheck
{
    /// <summary>Its name in the answer of /readyz.</summary>
    string Name { get; }

    /// <summary>Null: it holds; otherwise why it does not. Must answer within a second.</summary>
    Task<string?> FindFaultAsync(CancellationToken cancellationToken);
}

/// <summary>PostgreSQL answers.</summary>
public sealed class DatabaseReadiness(NpgsqlDataSource source) : IReadinessCheck
{
    public string Name => "database";

    public async Task<string?> FindFaultAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("SELECT 1");
        await command.ExecuteScalarAsync(cancellationToken);
        return null;
    }
}

/// <summary>No migration is missing; asked until it once held.</summary>
public sealed class MigrationReadiness(Migrator migrator) : IReadinessCheck
{
    private volatile bool _current;

    public string Name => "migrations";

    public async Task<string?> FindFaultAsync(CancellationToken cancellationToken)
    {
        if (!_current) _current = await migrator.IsCurrentAsync(cancellationToken);
        return _current ? null : "run CN2.Api migrate";
    }
}

/// <summary>The first queries have run once, so that no client waits for the compiler.</summary>
public sealed class WarmUp(WatchedKinds kinds) : BackgroundService, IReadinessCheck
{
    private volatile bool _warm;

    public string Name => "warm";

    public Task<string?> FindFaultAsync(CancellationToken cancellationToken) => Task.FromResult(_warm ? null : "starting");

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!_warm)
        {
            try
            {
                await kinds.TouchAsync(stoppingToken);
                _warm = true;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (Data.PostgresErrors.IsAway(e) || e is PostgresException)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
