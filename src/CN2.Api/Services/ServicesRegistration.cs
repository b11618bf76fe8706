using CN2.Api.Data.Rows;
using CN2.Api.Watch;
using CN2.Api.Writes;

namespace CN2.Api.Services;

public static class ServicesRegistration
{
    public static IServiceCollection AddServices(this IServiceCollection services) => services
        .AddSingleton<ServiceAllocation>()
        .AddSingleton<ServiceResources>()
        .AddSingleton<ServiceWriter>()
        .AddSingleton<ServiceRemoval>()
        .AddSingleton<ServiceLifecycle>()
        .AddSingleton<ServiceStore>()
        .AddGroupCommit<ServiceDraft, ServiceCreation>()
        .AddWatched<ServiceRow, ServiceResources>(ResourceKind.Service, async (resources, db, rows, ct) => await resources.ReadAsync(db, rows, ct));
}
