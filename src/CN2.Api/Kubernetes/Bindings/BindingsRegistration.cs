using CN2.Api.Kubernetes.Objects;

namespace CN2.Api.Kubernetes.Bindings;

internal static class BindingsRegistration
{
    public static IServiceCollection AddObjectBindings(this IServiceCollection services) => services
        .AddSingleton<ObjectBindings>()
        .AddObjectBinding<NamespaceBinding>()
        .AddObjectBinding<ServiceBinding>()
        .AddObjectBinding<FloatingIPBinding>();
}
