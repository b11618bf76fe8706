using CN2.Api.Kubernetes.Objects;
using CN2.Api.Kubernetes.Patches;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>What a PUT or PATCH changes.</summary>
/// <param name="Binding">Of the object's kind.</param>
/// <param name="Namespace">Of the path; null: the kind is cluster-scoped.</param>
/// <param name="Name">Of the path.</param>
/// <param name="Subresource">Such as <c>status</c>; empty: the object itself.</param>
/// <param name="Manager">Who writes.</param>
internal sealed record UpdateTarget(IObjectBinding Binding, string? Namespace, string Name, string Subresource, FieldManager Manager)
{
    /// <summary>The whole object is given, so a custom resource must name its version.</summary>
    public bool IsPut { get; init; }

    /// <summary>The fields' owners are in the object already.</summary>
    public bool IsApply { get; init; }
}
