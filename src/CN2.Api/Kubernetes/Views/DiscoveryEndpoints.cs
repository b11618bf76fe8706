using CN2.Api.Access;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Discovery;

namespace CN2.Api.Kubernetes.Views;

/// <summary><c>/api</c>, <c>/apis</c> and what is below them up to the resources.</summary>
internal static class DiscoveryEndpoints
{
    public static void MapDiscovery(this IEndpointRouteBuilder app)
    {
        var served = app.ServiceProvider.GetRequiredService<ServedResources>().All;
        var documents = new DiscoveryDocuments(served);
        app.MapView("/api", http => DocumentAnswer.WriteAsync(http, documents.Root(isCore: true, http.Request.Headers.Accept)));
        app.MapView("/apis", http => DocumentAnswer.WriteAsync(http, documents.Root(isCore: false, http.Request.Headers.Accept)));
        foreach (var group in served.Select(r => r.Group).Where(g => g.Length > 0).Distinct())
            app.MapView($"/apis/{group}", http => DocumentAnswer.WriteAsync(http, documents.Group(group)));
        foreach (var (group, version) in served.Select(r => (r.Group, r.Version)).Distinct())
            app.MapView(group.Length == 0 ? $"/api/{version}" : $"/apis/{group}/{version}", http => DocumentAnswer.WriteAsync(http, documents.Resources(group, version)));
    }

    /// <summary>An endpoint of the Kubernetes listener for every caller, and for every method: it answers the wrong ones with a Status.</summary>
    internal static IEndpointConventionBuilder MapView(this IEndpointRouteBuilder app, string path, RequestDelegate answer) =>
        app.Map(path, answer).WithMetadata(new KubernetesApiAttribute(), new OpenToCallersAttribute()).ExcludeFromDescription();

    /// <summary>A path that the other port has too. Only GET is mapped, so that another method is answered 405 there.</summary>
    internal static IEndpointConventionBuilder MapHealthView(this IEndpointRouteBuilder app, string path, RequestDelegate answer) =>
        app.MapMethods(path, [HttpMethods.Get], answer).WithMetadata(new KubernetesApiAttribute(), new OpenToAllAttribute()).ExcludeFromDescription();
}
