using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Versions;

namespace CN2.Api.Kubernetes.Lists;

/// <summary>Some objects of a collection, in the order of namespace and name, as one moment sees them.</summary>
/// <param name="Moment">Its version is not newer than the objects.</param>
/// <param name="Objects">Each has apiVersion, kind and metadata.resourceVersion.</param>
/// <param name="Last">Namespace (empty: none) and name of the last one that was looked at; null: there are no more after the page.</param>
internal sealed record ListedObjects(VersionMoment Moment, IReadOnlyList<JsonObject> Objects, (string Namespace, string Name)? Last);
