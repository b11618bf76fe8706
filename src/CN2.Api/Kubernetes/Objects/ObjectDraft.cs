using System.Text.Json.Nodes;
using CN2.Api.Data.Rows;

namespace CN2.Api.Kubernetes.Objects;

/// <summary>An object that is to be created, or to take the place of the stored one.</summary>
/// <param name="Namespace">Of the path; null: the kind is cluster-scoped.</param>
/// <param name="Name">The object's name.</param>
/// <param name="Object">As it was sent, checked against its schema, with defaults and managedFields. The binding does not change it.</param>
/// <param name="Http">The request, whose validation and dry run it shares; null: no request, such as a finished deletion.</param>
internal sealed record ObjectDraft(string? Namespace, string Name, JsonObject Object, HttpContext Http)
{
    /// <summary>The row to be kept for a resource of this uid.</summary>
    /// <param name="resource">As <see cref="KubernetesObjectRow.Resource"/>.</param>
    /// <param name="uid">Of the object.</param>
    /// <param name="isAlone">There is no resource of <c>/v1</c>.</param>
    /// <param name="now">When it is created.</param>
    public KubernetesObjectRow ToRow(string resource, Guid uid, bool isAlone, DateTimeOffset now) =>
        new(resource, uid, Namespace ?? "", Name, Object.ToJsonString(), isAlone, 1, now, null);
}
