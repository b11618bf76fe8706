using CN2.Api.Http;
using CN2.Api.Kubernetes.Bindings;
using CN2.Api.Kubernetes.Requests;
using CN2.Api.Kubernetes.Statuses;
using CN2.Api.Kubernetes.Versions;
using CN2.Api.Kubernetes.Views;

namespace CN2.Api.Kubernetes;

/// <summary>The Kubernetes API (docs/adr/0011-the-kubernetes-front.md), on the listener <c>Kubernetes__Url</c>.</summary>
internal static class KubernetesRegistration
{
    public static IServiceCollection AddKubernetesFront(this IServiceCollection services) => services
        .AddSingleton<IProblemForm, ProblemStatus>()
        .AddSingleton<ObjectVersions>()
        .AddObjectBindings()
        .AddObjectRequests()
        .AddViews();

    public static void MapKubernetesFront(this IEndpointRouteBuilder app)
    {
        app.MapViews();
        app.MapObjects();
    }
}
