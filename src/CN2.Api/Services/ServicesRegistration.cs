using CN2.Api.Allocation;
using CN2.Api.Data.Rows;
using CN2.Api.Watch;

namespace CN2.Api.Services;

public static class ServicesRegistration
{
    public static IServiceCollection AddServices(this IServiceCollection services)
    {
        services.AddSingleton<ServiceWriter>();
        services.AddSingleton<ServiceCoalescer>();
        services.AddHostedService(provider => provider.GetRequiredService<ServiceCoalescer>());
        services.AddSingleton<ServiceResources>();
        services.AddSingleton<ServiceRemoval>();
        services.AddSingleton<ServiceLifecycle>();
        services.AddSingleton(provider => new ServiceStore(
            provider.GetRequiredService<Catalog>(), provider.GetRequiredService<ServiceWriter>(), provider.GetRequiredService<ServiceCoalescer>(),
            provider.GetRequiredService<ServiceRemoval>(), provider.GetRequiredService<ServiceResources>()));
        services.AddWatched<ServiceRow, ServiceResources>(ResourceKind.Service, async (resources, db, rows, ct) => await resources.ReadAsync(db, rows, ct));
        return services;
    }
}
