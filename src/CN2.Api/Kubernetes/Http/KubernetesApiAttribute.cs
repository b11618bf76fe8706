namespace CN2.Api.Kubernetes.Http;

/// <summary>An endpoint of the Kubernetes API: it is reached through <c>Kubernetes__Url</c> alone, and every other endpoint through the other ports alone.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class KubernetesApiAttribute : Attribute;
