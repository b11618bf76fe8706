namespace CN2.Api.Http;

/// <summary>A connection to <c>Kubernetes__Url</c> has it as a feature.</summary>
internal sealed class KubernetesListener
{
    public static KubernetesListener Instance { get; } = new();

    private KubernetesListener()
    {
    }

    /// <summary>The request came through the Kubernetes listener.</summary>
    public static bool Has(HttpContext http) => http.Features.Get<KubernetesListener>() is not null;
}
