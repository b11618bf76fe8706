namespace CN2.Api.Kubernetes.Views;

/// <summary>What the Kubernetes API says of itself: discovery, OpenAPI documents, access, version, health.</summary>
internal static class ViewsRegistration
{
    public static IServiceCollection AddViews(this IServiceCollection services) => services.AddSingleton<ServedResources>();

    public static void MapViews(this IEndpointRouteBuilder app)
    {
        app.MapDiscovery();
        app.MapKubernetesOpenApi();
        app.MapAccessReviews();
        app.MapServer();
    }
}
