namespace CN2.Api.Kubernetes.Kinds;

/// <summary>An object that an event is about.</summary>
/// <param name="ApiVersion">Its group and version.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Namespace">Its namespace; null: it has none.</param>
/// <param name="Name">Its name.</param>
/// <param name="Uid">Its unique identifier; null: it no longer exists.</param>
internal sealed record InvolvedObject(string ApiVersion, string Kind, string? Namespace, string Name, Guid? Uid);
