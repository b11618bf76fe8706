using CN2.Api.Data.Rows;
using CN2.Api.Options;
using CN2.Api.Watch;

namespace CN2.Api.BgpRouters;

public static class BgpRoutersRegistration
{
    public static IServiceCollection AddBgpRouters(this IServiceCollection services) => services
        .AddSingleton(services => new EngineListener(services.GetRequiredService<BgpOptions>()))
        .AddSingleton<BgpRouterKeys>()
        .AddSingleton<BgpRouterStore>()
        .AddWatched<BgpRouterRow, BgpRouterStore>(ResourceKind.BgpRouter, async (store, db, rows, ct) => await store.ToResourcesAsync(db, rows, ct));
}
