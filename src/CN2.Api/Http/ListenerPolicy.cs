using Microsoft.AspNetCore.Routing.Matching;

namespace CN2.Api.Http;

/// <summary>Endpoints of the Kubernetes API match on its listener only, all others never there; so both may have the same paths.</summary>
internal sealed class ListenerPolicy : MatcherPolicy, IEndpointSelectorPolicy
{
    /// <summary>After the policies of the framework, which choose by method and host.</summary>
    public override int Order => 1000;

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) => true;

    public Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
    {
        var isKubernetes = KubernetesListener.Has(httpContext);
        for (var i = 0; i < candidates.Count; i++)
        {
            // What is no route is the framework's own answer to a wrong method.
            if (candidates.IsValidCandidate(i) && candidates[i].Endpoint is RouteEndpoint && candidates[i].Endpoint.Metadata.GetMetadata<KubernetesApiAttribute>() is not null != isKubernetes)
                candidates.SetValidity(i, false);
        }

        return Task.CompletedTask;
    }
}
