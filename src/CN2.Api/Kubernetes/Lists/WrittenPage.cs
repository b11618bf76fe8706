using CN2.Api.Kubernetes.Versions;

namespace CN2.Api.Kubernetes.Lists;

/// <summary>The same as <see cref="ListedObjects"/>, each object as JSON.</summary>
internal sealed record WrittenPage(VersionMoment Moment, IReadOnlyList<byte[]> Objects, (string Namespace, string Name)? Last);
