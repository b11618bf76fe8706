using CN2.Api.Options;

namespace CN2.Api.Data;

/// <summary>For commands that work on the database alone: the connection string counts, and no other setting is needed or checked.</summary>
internal static class DatabaseHost
{
    /// <exception cref="SettingsException">The settings of the database are wrong.</exception>
    public static IHost Build(string[] settings)
    {
        var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { Args = settings, ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole().AddFilter("Microsoft.EntityFrameworkCore", LogLevel.None);
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services.AddSettings();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddDatabase();
        var host = builder.Build();
        host.Services.CheckSettingsOf<DatabaseOptions>();
        return host;
    }

    /// <summary>Migrates, unless that is switched off. Not null: a sentence that says why the database cannot be used.</summary>
    /// <exception cref="UnsuitableDatabaseException">It cannot be used.</exception>
    public static async Task<string?> PrepareAsync(IServiceProvider services, CancellationToken ct)
    {
        await services.GetRequiredService<DatabaseCheck>().SettingsAsync(ct);
        var migrator = services.GetRequiredService<Migrator>();
        if (services.GetRequiredService<DatabaseOptions>().Migrate) await migrator.MigrateAsync(ct);
        else if (!await migrator.IsCurrentAsync(ct)) return "The database has not the tables of this version, and Database__Migrate is false: run CN2.Api migrate first.";
        return null;
    }
}
