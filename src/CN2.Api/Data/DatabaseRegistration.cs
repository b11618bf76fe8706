using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>Registers the database: its pools of connections, pooled contexts over the requests' one, checks, migration, change signal.</summary>
public static class DatabaseRegistration
{
    public static IServiceCollection AddDatabase(this IServiceCollection services)
    {
        services.AddDatabasePools();
        services.AddSingleton<DatabasePresence>();
        services.AddPooledDbContextFactory<CN2DbContext>((provider, options) => options
            .UseNpgsql(provider.GetRequiredService<NpgsqlDataSource>())
            .UseSnakeCaseNamingConvention()
            .UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking));
        services.AddScoped(provider => provider.GetRequiredService<IDbContextFactory<CN2DbContext>>().CreateDbContext());
        services.AddSingleton<AttachedContexts>();
        services.AddSingleton<DedicatedConnection>();
        services.AddSingleton<DatabaseCheck>();
        services.AddSingleton<Migrator>();
        services.AddSingleton<ChangeSignal>();
        services.AddSingleton<FeedEpochs>();
        services.AddHostedService<StalePlans>();
        services.AddHostedService<DatabaseStartup>();
        services.AddHostedService<ChangeNotifier>();
        return services;
    }

    /// <summary>A <see cref="VersionWatch"/> of this table, which is also its key.</summary>
    public static IServiceCollection AddVersionWatch(this IServiceCollection services, string table) => services
        .AddKeyedSingleton(table, (provider, _) => new VersionWatch(provider.GetRequiredKeyedService<NpgsqlDataSource>(DatabasePools.ControlLoop), table, provider.GetRequiredService<TimeProvider>()))
        .AddSingleton<IHostedService>(provider => provider.GetRequiredKeyedService<VersionWatch>(table)); // AddHostedService adds one of a type
}
