namespace CN2.Api.Kubernetes.Objects;

/// <summary>A part of a list.</summary>
/// <param name="Items">In the order of namespace and name.</param>
/// <param name="Next">What the next part begins behind (<see cref="ObjectRange.After"/>); null: there is no more.</param>
internal sealed record ObjectPage(IReadOnlyList<BoundObject> Items, (string Namespace, string Name)? Next);
