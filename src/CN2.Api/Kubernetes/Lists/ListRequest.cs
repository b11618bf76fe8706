using CN2.Api.Kubernetes.Versions;

namespace CN2.Api.Kubernetes.Lists;

/// <summary>What a client asks of a collection: a list, or a watch. See <see cref="ListRequestReader"/>.</summary>
internal sealed record ListRequest
{
    public ObjectSelector Selector { get; init; } = ObjectSelector.Everything;

    /// <summary>Null: whatever is there (<c>resourceVersion</c> is absent or 0).</summary>
    public ResourceVersion? Version { get; init; }

    /// <summary>How <see cref="Version"/> is meant; null: the client did not say.</summary>
    public VersionMatch? Match { get; init; }

    /// <summary>Objects of a page; 0: all.</summary>
    public int Limit { get; init; }

    /// <summary>Where the page begins; null: at the beginning.</summary>
    public ContinueToken? Continue { get; init; }

    /// <summary>Which list it is, for the token of its next page.</summary>
    public string Scope { get; init; } = "";

    /// <summary>Where the page before ended; null: at the beginning.</summary>
    public (string Namespace, string Name)? After => Continue is { } token ? (token.Namespace, token.Name) : null;

    public bool IsWatch { get; init; }

    /// <summary>Of a watch: it ends after this time; null: the server decides.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Of a watch: an event now and then that only tells a version.</summary>
    public bool HasBookmarks { get; init; }

    /// <summary>Of a watch: all objects first, then a bookmark that says so. False: changes alone. Null: all objects first if there is no version, without the bookmark.</summary>
    public bool? HasInitialEvents { get; init; }
}
