namespace CN2.Api.Http;

/// <summary>An endpoint of the Kubernetes API: it is reachable on the listener <c>Kubernetes__Url</c>, and nothing else is there.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
internal sealed class KubernetesApiAttribute : Attribute;
