namespace CN2.Api.Http;

/// <summary>A page of a collection.</summary>
/// <param name="Items">In the order of namespace, name.</param>
/// <param name="NextCursor">Given as <c>cursor</c>, it answers the next page; null on the last.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);
