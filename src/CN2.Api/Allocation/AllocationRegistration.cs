namespace CN2.Api.Allocation;

public static class AllocationRegistration
{
    public static IServiceCollection AddAllocation(this IServiceCollection services)
    {
        services.AddSingleton<Catalog>();
        services.AddSingleton<AllocationRecovery>();
        services.AddSingleton<ServicePools>();
        services.AddHostedService<ServicePoolsStartup>();
        services.AddSingleton<EndedRests>();
        services.AddHostedService(provider => provider.GetRequiredService<EndedRests>());
        return services;
    }
}
