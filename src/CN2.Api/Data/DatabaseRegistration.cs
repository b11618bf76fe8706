using CN2.Api.Options;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace CN2.Api.Data;

/// <summary>Registers the database: one pooled <see cref="NpgsqlDataSource"/>, pooled contexts over it, migration, change signal.</summary>
public static class DatabaseRegistration
{
    public static IServiceCollection AddDatabase(this IServiceCollection services)
    {
        services.AddSingleton(provider =>
        {
            var source = new NpgsqlDataSourceBuilder(provider.GetRequiredService<DatabaseOptions>().ConnectionString);
            source.EnableDynamicJson(); // jsonb columns hold labels as dictionaries
            return source.Build();
        });
        services.AddPooledDbContextFactory<CN2DbContext>((provider, options) => options
            .UseNpgsql(provider.GetRequiredService<NpgsqlDataSource>())
            .UseSnakeCaseNamingConvention()
            .UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking));
        services.AddScoped(provider => provider.GetRequiredService<IDbContextFactory<CN2DbContext>>().CreateDbContext());
        services.AddSingleton<AttachedContexts>();
        services.AddSingleton<DedicatedConnection>();
        services.AddSingleton<Migrator>();
        services.AddSingleton<ChangeSignal>();
        services.AddHostedService<DatabaseStartup>();
        services.AddHostedService<ChangeNotifier>();
        return services;
    }
}
