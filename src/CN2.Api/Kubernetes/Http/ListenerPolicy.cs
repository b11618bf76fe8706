using Microsoft.AspNetCore.Routing.Matching;

namespace CN2.Api.Kubernetes.Http;

/// <summary>
/// Endpoints with <see cref="KubernetesApiAttribute"/> are there for requests through <c>Kubernetes__Url</c> and for no others; the other way round for the
/// rest: a path of another port is unknown (404).
/// </summary>
internal sealed class ListenerPolicy : MatcherPolicy, IEndpointSelectorPolicy
{
    public override int Order => -10_000;

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) => true;

    public Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
    {
        var isKubernetes = KubernetesListener.Has(httpContext);
        for (var i = 0; i < candidates.Count; i++)
        {
            if (candidates.IsValidCandidate(i) && candidates[i].Endpoint.Metadata.GetMetadata<KubernetesApiAttribute>() is not null != isKubernetes) candidates.SetValidity(i, false);
        }

        return Task.CompletedTask;
    }
}
