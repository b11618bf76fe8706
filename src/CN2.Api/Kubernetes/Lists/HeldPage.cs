using CN2.Api.Kubernetes.Forms;
using CN2.Api.Kubernetes.Versions;

namespace CN2.Api.Kubernetes.Lists;

/// <summary>The same as <see cref="ListedObjects"/>, each object as JSON.</summary>
internal sealed record HeldPage(VersionMoment Moment, IReadOnlyList<WrittenObject> Objects, (string Namespace, string Name)? Last);
