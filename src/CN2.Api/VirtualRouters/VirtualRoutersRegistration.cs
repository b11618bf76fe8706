using CN2.Api.Data.Rows;
using CN2.Api.Watch;

namespace CN2.Api.VirtualRouters;

public static class VirtualRoutersRegistration
{
    public static IServiceCollection AddVirtualRouters(this IServiceCollection services) => services
        .AddSingleton<VirtualRouterStore>()
        .AddWatched<VirtualRouterRow, VirtualRouterStore>(ResourceKind.VirtualRouter, async (store, db, rows, ct) => await store.ToResourcesAsync(db, rows, ct));
}
