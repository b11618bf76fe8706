using CN2.Api.Access;
using CN2.Api.Audit;
using CN2.Api.Data.Rows;

namespace CN2.Api.Services;

/// <summary>A Service to be created.</summary>
/// <param name="Namespace">Where it is to live.</param>
/// <param name="Request">What the caller asks for.</param>
/// <param name="Rights">What the caller may do: others may share the transaction, so the scope does not know it.</param>
public sealed record ServiceDraft(string Namespace, ServiceRequest Request, CallerRights Rights)
{
    /// <summary>Who asks for it, where the decision itself writes the audit log because others may share its transaction; null: the caller does.</summary>
    public AuditOrigin? Origin { get; init; }

    /// <summary>Makes what is kept of its Kubernetes object, of the uid and the time of its creation; null: it is created through <c>/v1</c>.</summary>
    public Func<Guid, DateTimeOffset, KubernetesObjectRow>? Kept { get; init; }
}
