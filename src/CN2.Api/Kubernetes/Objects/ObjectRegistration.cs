namespace CN2.Api.Kubernetes.Objects;

internal static class ObjectRegistration
{
    /// <summary>Serves one more kind.</summary>
    public static IServiceCollection AddObjectBinding<TBinding>(this IServiceCollection services) where TBinding : class, IObjectBinding =>
        services.AddSingleton<TBinding>().AddSingleton<IObjectBinding>(provider => provider.GetRequiredService<TBinding>());
}
