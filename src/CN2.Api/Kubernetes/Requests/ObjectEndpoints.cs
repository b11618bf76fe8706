using CN2.Api.Http;
using CN2.Api.Kubernetes.Access;
using CN2.Api.Kubernetes.Lists;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Schemas;
using CN2.Api.Kubernetes.Statuses;
using CN2.Api.Kubernetes.Watch;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>The paths of all kinds that are served. One endpoint a path takes every method, so that the answer to a wrong one is a Status.</summary>
internal static class ObjectEndpoints
{
    public static IServiceCollection AddObjectRequests(this IServiceCollection services) => services
        .AddSingleton<ObjectReading>()
        .AddSingleton<ObjectReaders>()
        .AddSingleton<ObjectLists>()
        .AddSingleton<ObjectHub>()
        .AddSingleton<ObjectCollections>()
        .AddSingleton<ObjectTransactions>()
        .AddSingleton<ObjectCreation>()
        .AddSingleton<ObjectUpdate>()
        .AddSingleton<ObjectReplacement>()
        .AddSingleton<ObjectPatching>()
        .AddSingleton<ObjectDeletion>()
        .AddSingleton<ObjectOwners>()
        .AddSingleton<SubresourceCreation>()
        .AddSingleton<CollectionDeletion>()
        .AddSingleton<PendingDeletions>()
        .AddHostedService(provider => provider.GetRequiredService<PendingDeletions>());

    public static void MapObjects(this IEndpointRouteBuilder app)
    {
        foreach (var binding in app.ServiceProvider.GetRequiredService<ObjectBindings>().All)
        {
            var definition = binding.Definition;
            var root = definition.Group.Length == 0 ? $"/api/{definition.Version}" : $"/apis/{definition.Group}/{definition.Version}";
            if (definition.IsNamespaced)
            {
                Map(app, binding, $"{root}/{definition.Plural}", AllAsync).WithMetadata(WatchesLast.Instance);
                Map(app, binding, $"{root}/namespaces/{{ns}}/{definition.Plural}", CollectionAsync).WithMetadata(WatchesLast.Instance);
                MapOne(app, binding, $"{root}/namespaces/{{ns}}/{definition.Plural}/{{name}}");
            }
            else
            {
                Map(app, binding, $"{root}/{definition.Plural}", CollectionAsync).WithMetadata(WatchesLast.Instance);
                MapOne(app, binding, $"{root}/{definition.Plural}/{{name}}");
            }
        }
    }

    private static void MapOne(IEndpointRouteBuilder app, IObjectBinding binding, string path)
    {
        Map(app, binding, path, OneAsync);
        foreach (var subresource in binding.Definition.Subresources)
            Map(app, binding, $"{path}/{subresource.Name}", (http, b) => SubresourceAsync(http, b, subresource), subresource.Name);
    }

    private static IEndpointConventionBuilder Map(IEndpointRouteBuilder app, IObjectBinding binding, string path, Func<HttpContext, IObjectBinding, Task> answer, string? subresource = null) =>
        app.Map(path, http => answer(http, binding))
            .WithMetadata(new KubernetesApiAttribute(), binding.Definition, new ObjectTargetAttribute(binding.Definition), ObjectAudit.NameOf(binding, subresource))
            .ExcludeFromDescription();

    /// <summary>A namespaced kind in all namespaces: it can only be read.</summary>
    private static Task AllAsync(HttpContext http, IObjectBinding binding) =>
        HttpMethods.IsGet(http.Request.Method) ? CollectionsOf(http).ServeAsync(http, binding, null) : NotAllowedAsync(http);

    private static Task CollectionAsync(HttpContext http, IObjectBinding binding)
    {
        var (services, verbs, ns) = (http.RequestServices, binding.Definition.Verbs, NamespaceOf(http));
        return http.Request.Method switch
        {
            "GET" => CollectionsOf(http).ServeAsync(http, binding, ns),
            "POST" when verbs.Contains("create") => services.GetRequiredService<ObjectCreation>().PostAsync(http, binding, ns),
            "DELETE" when verbs.Contains("deletecollection") => services.GetRequiredService<CollectionDeletion>().DeleteAsync(http, binding, ns),
            _ => NotAllowedAsync(http),
        };
    }

    private static Task OneAsync(HttpContext http, IObjectBinding binding)
    {
        var (services, verbs, ns, name) = (http.RequestServices, binding.Definition.Verbs, NamespaceOf(http), NameOf(http));
        return http.Request.Method switch
        {
            "GET" => ReadingOf(http).GetAsync(http, binding, ns, name),
            "PUT" when verbs.Contains("update") => services.GetRequiredService<ObjectReplacement>().PutAsync(http, binding, ns, name, ""),
            "PATCH" when verbs.Contains("patch") => services.GetRequiredService<ObjectPatching>().PatchAsync(http, binding, ns, name, ""),
            "DELETE" when verbs.Contains("delete") => services.GetRequiredService<ObjectDeletion>().DeleteAsync(http, binding, ns, name),
            _ => NotAllowedAsync(http),
        };
    }

    private static Task SubresourceAsync(HttpContext http, IObjectBinding binding, Subresource subresource)
    {
        var (services, ns, name) = (http.RequestServices, NamespaceOf(http), NameOf(http));
        return http.Request.Method switch
        {
            "GET" when subresource.Verbs.Contains("get") => ReadingOf(http).GetAsync(http, binding, ns, name),
            "PUT" when subresource.Verbs.Contains("update") => services.GetRequiredService<ObjectReplacement>().PutAsync(http, binding, ns, name, subresource.Name),
            "PATCH" when subresource.Verbs.Contains("patch") => services.GetRequiredService<ObjectPatching>().PatchAsync(http, binding, ns, name, subresource.Name),
            "POST" when subresource.Verbs.Contains("create") => services.GetRequiredService<SubresourceCreation>().PostAsync(http, binding, subresource, ns, name),
            _ => NotAllowedAsync(http),
        };
    }

    private static Task NotAllowedAsync(HttpContext http) => ObjectAnswer.WriteAsync(http, FailureStatus.MethodNotAllowed());

    private static ObjectCollections CollectionsOf(HttpContext http) => http.RequestServices.GetRequiredService<ObjectCollections>();

    private static ObjectReading ReadingOf(HttpContext http) => http.RequestServices.GetRequiredService<ObjectReading>();

    private static string? NamespaceOf(HttpContext http) => http.GetRouteValue("ns") as string;

    private static string NameOf(HttpContext http) => (string)http.GetRouteValue("name")!;
}
