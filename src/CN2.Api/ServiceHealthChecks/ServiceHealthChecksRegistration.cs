using CN2.Api.Data.Rows;
using CN2.Api.Watch;

namespace CN2.Api.ServiceHealthChecks;

public static class ServiceHealthChecksRegistration
{
    public static IServiceCollection AddServiceHealthChecks(this IServiceCollection services) => services
        .AddSingleton<ServiceHealthCheckStore>()
        .AddWatched<ServiceHealthCheckRow, ServiceHealthCheckStore>(ResourceKind.ServiceHealthCheck, (_, _, rows, _) =>
            Task.FromResult<IReadOnlyList<Json.ResourceBody>>([.. rows.Select(ServiceHealthCheckStore.ToResource)]));
}
