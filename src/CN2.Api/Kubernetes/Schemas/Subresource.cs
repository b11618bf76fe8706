namespace CN2.Api.Kubernetes.Schemas;

/// <summary>A part of a resource with a path of its own, such as <c>pods/status</c>.</summary>
/// <param name="Name">Such as <c>status</c>.</param>
/// <param name="Kind">The kind of its bodies, such as <c>Pod</c> or <c>Binding</c>.</param>
/// <param name="Verbs">What can be done with it.</param>
public sealed record Subresource(string Name, string Kind, params IReadOnlyList<string> Verbs);
