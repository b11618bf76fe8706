using Microsoft.AspNetCore.Routing.Matching;

namespace CN2.Api.Http;

/// <summary>Endpoints match on the listener of their API only; so two APIs may have the same paths.</summary>
internal sealed class ListenerPolicy : MatcherPolicy, IEndpointSelectorPolicy
{
    /// <summary>After the policies of the framework, which choose by method and host.</summary>
    public override int Order => 1000;

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) => true;

    public Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
    {
        var kind = Listener.KindOf(httpContext);
        for (var i = 0; i < candidates.Count; i++)
        {
            // What is no route is the framework's own answer to a wrong method.
            if (candidates.IsValidCandidate(i) && candidates[i].Endpoint is RouteEndpoint endpoint && KindOf(endpoint) != kind) candidates.SetValidity(i, false);
        }

        return Task.CompletedTask;
    }

    private static ListenerKind KindOf(RouteEndpoint endpoint) =>
        endpoint.Metadata.GetMetadata<KubernetesApiAttribute>() is not null ? ListenerKind.Kubernetes
        : endpoint.Metadata.GetMetadata<AgentsApiAttribute>() is not null ? ListenerKind.Agents
        : ListenerKind.Rest;
}
