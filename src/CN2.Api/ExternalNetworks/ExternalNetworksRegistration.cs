using CN2.Api.Data.Rows;
using CN2.Api.Watch;

namespace CN2.Api.ExternalNetworks;

public static class ExternalNetworksRegistration
{
    public static IServiceCollection AddExternalNetworks(this IServiceCollection services) =>
        services.AddSingleton<ExternalNetworkResources>().AddSingleton<ExternalNetworkStore>().AddSingleton<RoutingInstanceRoutes>()
        .AddWatched<ExternalNetworkRow, ExternalNetworkResources>(ResourceKind.ExternalNetwork, async (resources, db, rows, ct) => await resources.ReadAsync(db, rows, ct));
}
