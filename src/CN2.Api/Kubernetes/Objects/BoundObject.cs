using System.Text.Json.Nodes;
using CN2.Api.Data.Rows;

namespace CN2.Api.Kubernetes.Objects;

/// <summary>An object as it is stored: its resource of <c>/v1</c>, what is kept beside it, or both.</summary>
/// <param name="Uid">Of the object.</param>
/// <param name="Namespace">Null: the kind is cluster-scoped.</param>
/// <param name="Name">The object's name.</param>
/// <param name="Resource">As GET of <c>/v1</c> answers it; null: the object lives alone, and <paramref name="Kept"/> is all there is.</param>
/// <param name="Kept">Null: it was never written through the Kubernetes API.</param>
internal sealed record BoundObject(Guid Uid, string? Namespace, string Name, JsonObject? Resource, KubernetesObjectRow? Kept)
{
    /// <summary>For the binding that has read it: the row of the resource. Nobody else looks at it.</summary>
    public object? Row { get; init; }

    /// <summary>Whose changes in the feed are those of the object, when it is not <see cref="Uid"/>; such as the network of a subnet.</summary>
    public Guid? VersionUid { get; init; }

    /// <summary>Whose changes in the feed are those of the object: its version is made of them.</summary>
    public Guid ChangedUid => VersionUid ?? Uid;
}
