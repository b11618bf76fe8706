using CN2.Api.Kubernetes.Schemas;

namespace CN2.Api.Kubernetes.Http;

/// <summary>What a request of the Kubernetes API is about, a feature of the request: errors name it.</summary>
/// <param name="Resource">The resource of the path.</param>
/// <param name="Name">The name of the object; null: the collection.</param>
/// <param name="ToObjectPath">Where the object has what a fault of a request of <c>/v1</c> names; null: faults name the object's own paths.</param>
internal sealed record StatusSubject(ResourceDefinition Resource, string? Name, Func<string, string>? ToObjectPath = null);
