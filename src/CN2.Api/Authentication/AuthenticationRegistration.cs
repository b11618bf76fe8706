using CN2.Api.Data;
using CN2.Api.Options;

namespace CN2.Api.Authentication;

/// <summary>Who calls REST and the Kubernetes API (docs/contract.md §7, Callers).</summary>
internal static class AuthenticationRegistration
{
    public static IServiceCollection AddCallerAuthentication(this IServiceCollection services) => services
        .AddSingleton<ISigningKeys>(provider => KeysOf(provider, provider.GetRequiredService<AuthOptions>()))
        .AddHostedService(provider => (BackgroundService)provider.GetRequiredService<ISigningKeys>())
        .AddSingleton<KnownTokens>()
        .AddVersionWatch(VersionWatch.Access)
        .AddSingleton<TokenUses>()
        .AddHostedService(provider => provider.GetRequiredService<TokenUses>())
        .AddSingleton<FailedAttempts>()
        .AddSingleton<CertificateUsers>()
        .AddSingleton<ApiTokenCallers>()
        .AddSingleton<UserTokens>()
        .AddSingleton<CrossOriginWrites>()
        .AddSingleton<CallerAuthentication>();

    /// <summary>After the routing, and before everything that depends on who calls.</summary>
    public static void UseCallerAuthentication(this IApplicationBuilder app)
    {
        if (app.ApplicationServices.GetRequiredService<AuthOptions>().IsRequired) // otherwise everybody is Anonymous, who may do everything
        {
            var authentication = app.ApplicationServices.GetRequiredService<CallerAuthentication>();
            app.Use(authentication.RunAsync);
        }

        var origins = app.ApplicationServices.GetRequiredService<CrossOriginWrites>();
        app.Use(origins.RunAsync);
    }

    private static ISigningKeys KeysOf(IServiceProvider provider, AuthOptions options) =>
        options.Authority is not null ? ActivatorUtilities.CreateInstance<ProviderKeys>(provider)
        : options.JwksPath is not null ? ActivatorUtilities.CreateInstance<FileKeys>(provider)
        : new NoKeys();
}
