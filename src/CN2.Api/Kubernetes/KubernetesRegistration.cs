using CN2.Api.Kubernetes.Http;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace CN2.Api.Kubernetes;

public static class KubernetesRegistration
{
    /// <summary>The Kubernetes API. It is served when <c>Kubernetes__Url</c> is set.</summary>
    public static IServiceCollection AddKubernetesApi(this IServiceCollection services)
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton<MatcherPolicy, ListenerPolicy>());
        return services;
    }
}
