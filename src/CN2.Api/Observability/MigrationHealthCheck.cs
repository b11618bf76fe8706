using CN2.Api.Data;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace CN2.Api.Observability;

/// <summary>No migration is missing. The database is asked until the answer was yes once.</summary>
internal sealed class MigrationHealthCheck(Migrator migrator) : IHealthCheck
{
    private volatile bool _current;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!_current) _current = await migrator.IsCurrentAsync(cancellationToken).WaitAsync(cancellationToken);
        return _current ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("run CN2.Api migrate");
    }
}
