using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Http;
using CN2.Api.Kubernetes.Kinds;
using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Statuses;

namespace CN2.Api.Kubernetes.Access;

/// <summary>
/// Asks about objects whose path does not name the namespace that they belong to: a FloatingIP, which is cluster-scoped in CN2, and an event, which
/// Kubernetes puts into <c>default</c> when it is about something without a namespace.
/// </summary>
internal static class ObjectVisibility
{
    /// <summary>The caller may see the object that was found.</summary>
    public static bool Shows(HttpContext http, IObjectBinding binding, BoundObject found, JsonObject shown) => CallerRights.Of(http).Visible is not { } visible
        || (OwnerOf(binding, found, shown) is { } owner && visible.Contains(owner));

    /// <summary>The answer for an object that does not exist or that the caller may not see: one and the same.</summary>
    public static FailureStatus Missing(HttpContext http, IObjectBinding binding, string name)
    {
        var target = TargetOf(http);
        var ns = target.NamespaceOf(http);
        return AccessRules.Decide(CallerRights.Of(http), AccessVerb.Get, target.Resource, ns) == AccessDecision.Allowed
            ? FailureStatus.NotFound(binding.Definition, name)
            : ProblemStatus.Of(ApiProblem.Forbidden(Caller.Of(http), AccessVerb.Get, target.Resource, ns), binding.Definition, name, path => path);
    }

    /// <summary>Not null: the name of an object that is to be created says a namespace in which the caller may not.</summary>
    public static FailureStatus? RefusalOfCreate(HttpContext http, IObjectBinding binding, string name)
    {
        var target = TargetOf(http);
        if (!target.IsNamespaceInBody(http)) return null;
        var ns = FloatingIPObjectName.Split(name)?.Namespace;
        return AccessRules.Decide(CallerRights.Of(http), AccessVerb.Create, target.Resource, ns) == AccessDecision.Allowed ? null
            : ProblemStatus.Of(ApiProblem.Forbidden(Caller.Of(http), AccessVerb.Create, target.Resource, ns), binding.Definition, name, path => path);
    }

    private static string? OwnerOf(IObjectBinding binding, BoundObject found, JsonObject shown) => ObjectTargetAttribute.ResourceOf(binding.Definition) switch
    {
        AccessResource.Events => shown["involvedObject"]?["namespace"]?.GetValue<string>(),
        AccessResource.FloatingIPs => found.Resource?["namespace"]?.GetValue<string>(),
        AccessResource.Namespaces => found.Name,
        _ => found.Namespace,
    };

    private static AccessTargetAttribute TargetOf(HttpContext http) => http.GetEndpoint()!.Metadata.GetRequiredMetadata<AccessTargetAttribute>();
}
