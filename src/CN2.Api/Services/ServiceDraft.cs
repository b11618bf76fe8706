using CN2.Api.Data.Rows;

namespace CN2.Api.Services;

/// <summary>A Service to be created.</summary>
public sealed record ServiceDraft(string Namespace, ServiceRequest Request)
{
    /// <summary>Makes what is kept of its Kubernetes object, of the uid and the time of its creation; null: it is created through <c>/v1</c>.</summary>
    public Func<Guid, DateTimeOffset, KubernetesObjectRow>? Kept { get; init; }
}
