namespace CN2.Api.Kubernetes.Bindings;

/// <summary>An object of a page.</summary>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
/// <param name="Uid">Its uid.</param>
internal sealed record PagedObject(string Namespace, string Name, Guid Uid);
