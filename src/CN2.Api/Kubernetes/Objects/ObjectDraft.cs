using System.Text.Json.Nodes;
using CN2.Api.Access;
using CN2.Api.Audit;
using CN2.Api.Data.Rows;

namespace CN2.Api.Kubernetes.Objects;

/// <summary>An object that is to be created, or to take the place of the stored one.</summary>
/// <param name="Namespace">Of the path; null: the kind is cluster-scoped.</param>
/// <param name="Name">The object's name.</param>
/// <param name="Object">As it was sent, checked against its schema, with defaults and managedFields. The binding does not change it.</param>
internal sealed record ObjectDraft(string? Namespace, string Name, JsonObject Object)
{
    /// <summary>Who asks for it, of a create that may share its transaction.</summary>
    public AuditOrigin? Origin { get; init; }

    /// <summary>What the one who asks may do, of a create that may share its transaction.</summary>
    public CallerRights Rights { get; init; } = CallerRights.None;

    /// <summary>The row to be kept for an object.</summary>
    /// <param name="binding">Of its kind.</param>
    /// <param name="uid">Of the object.</param>
    /// <param name="isAlone">There is no resource of <c>/v1</c>.</param>
    /// <param name="now">When it is created.</param>
    public KubernetesObjectRow ToRow(IObjectBinding binding, Guid uid, bool isAlone, DateTimeOffset now)
    {
        var kept = Object;
        if (!isAlone) binding.Mapping.Hide(kept = (JsonObject)kept.DeepClone());
        return new(binding.Definition.QualifiedName, uid, Namespace ?? "", Name, kept.ToJsonString(), isAlone, 1, now, null);
    }
}
