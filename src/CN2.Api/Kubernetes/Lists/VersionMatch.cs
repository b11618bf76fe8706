namespace CN2.Api.Kubernetes.Lists;

/// <summary>How a list's <c>resourceVersion</c> is meant: the query parameter <c>resourceVersionMatch</c>.</summary>
internal enum VersionMatch
{
    /// <summary>A list of this version or a later one.</summary>
    NotOlderThan,

    /// <summary>The list as it was at this version.</summary>
    Exact,
}
