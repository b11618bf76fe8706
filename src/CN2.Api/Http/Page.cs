namespace CN2.Api.Http;

/// <summary>A page of a collection.</summary>
/// <param name="Items">The resources, in the order of namespace and name.</param>
/// <param name="NextCursor">The value of <c>cursor</c> for the next page; null on the last page.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);
