namespace CN2.Api.Http;

/// <summary>The port of <c>Kubernetes__Url</c>.</summary>
internal static class KubernetesListener
{
    /// <summary>The request came through the Kubernetes listener.</summary>
    public static bool Has(HttpContext http) => Listener.KindOf(http) == ListenerKind.Kubernetes;
}
