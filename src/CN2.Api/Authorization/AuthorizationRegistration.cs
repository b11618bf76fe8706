namespace CN2.Api.Authorization;

/// <summary>Who may do what (docs/contract.md §7, Roles).</summary>
public static class AuthorizationRegistration
{
    public static IServiceCollection AddCallerAuthorization(this IServiceCollection services) => services
        .AddSingleton<AccessState>()
        .AddSingleton<CallerAuthorization>();

    /// <summary>After it is known who calls.</summary>
    public static void UseCallerAuthorization(this IApplicationBuilder app)
    {
        var authorization = app.ApplicationServices.GetRequiredService<CallerAuthorization>();
        app.Use(authorization.RunAsync);
    }
}
