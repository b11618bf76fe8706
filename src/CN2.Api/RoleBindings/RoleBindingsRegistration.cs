namespace CN2.Api.RoleBindings;

public static class RoleBindingsRegistration
{
    public static IServiceCollection AddRoleBindings(this IServiceCollection services) => services.AddSingleton<RoleBindingStore>();
}
