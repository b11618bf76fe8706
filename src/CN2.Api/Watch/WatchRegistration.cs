using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Json;

namespace CN2.Api.Watch;

public static class WatchRegistration
{
    public static IServiceCollection AddWatch(this IServiceCollection services)
    {
        services.AddSingleton<ChangeFeedReader>();
        services.AddSingleton<WatchedKinds>();
        services.AddSingleton<WatchSlots>();
        services.AddSingleton<WatchHub>();
        services.AddHostedService(provider => provider.GetRequiredService<WatchHub>());
        services.AddSingleton<Retention>();
        services.AddHostedService(provider => provider.GetRequiredService<Retention>());
        return services;
    }

    /// <summary>Makes a kind watchable; <paramref name="toResources"/> is the mapping that its GET uses.</summary>
    public static IServiceCollection AddWatched<TRow, TStore>(
        this IServiceCollection services,
        ResourceKind kind,
        Func<TStore, CN2DbContext, IReadOnlyList<TRow>, CancellationToken, Task<IReadOnlyList<ResourceBody>>> toResources)
        where TRow : ResourceRow where TStore : notnull =>
        services.AddSingleton<IWatchedKind>(provider =>
        {
            var store = provider.GetRequiredService<TStore>();
            return new WatchedRows<TRow>(kind, (db, rows, ct) => toResources(store, db, rows, ct));
        });
}
