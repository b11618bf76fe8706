namespace CN2.Api.Kubernetes.Schemas;

/// <summary>What makes two items of a list the same one (<c>x-kubernetes-list-type</c>).</summary>
public enum ListKind
{
    /// <summary>The list is one value.</summary>
    Atomic,

    /// <summary>Items are scalars, and each is there once.</summary>
    Set,

    /// <summary>Items are objects, identified by some of their members.</summary>
    Map,
}
