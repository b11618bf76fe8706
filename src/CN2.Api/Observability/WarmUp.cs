using CN2.Api.Data;
using CN2.Api.Watch;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace CN2.Api.Observability;

/// <summary>Runs the first query of each kind once, so that no client waits for the compiler; until then the process is not ready.</summary>
internal sealed class WarmUp(WatchedKinds kinds, TimeProvider time, IHostApplicationLifetime lifetime) : BackgroundService, IHealthCheck
{
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);
    private volatile bool _warm;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        lifetime.ApplicationStopping.IsCancellationRequested ? HealthCheckResult.Unhealthy("stopping")
        : _warm ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("starting"));

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
            catch (Exception e) when (PostgresErrors.IsAway(e) || e is PostgresException)
            {
                await Task.Delay(RetryInterval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
