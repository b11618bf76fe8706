using CN2.Api.Data;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace CN2.Api.Observability;

/// <summary>PostgreSQL answers.</summary>
internal sealed class DatabaseHealthCheck(NpgsqlDataSource source) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        // A server that hangs does not react to the cancellation either: stop waiting for it.
        await AskAsync(cancellationToken).WaitAsync(cancellationToken);
        return HealthCheckResult.Healthy();
    }

    private async Task AskAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("SELECT 1");
        await command.ScalarAsync(cancellationToken);
    }
}
