namespace CN2.Api.Grants;

public static class GrantsRegistration
{
    public static IServiceCollection AddGrants(this IServiceCollection services) => services.AddSingleton<GrantStore>();
}
