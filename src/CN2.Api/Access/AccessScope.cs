namespace CN2.Api.Access;

/// <summary>Where a role must be held for a resource.</summary>
public enum AccessScope
{
    /// <summary>In the namespace of the resource.</summary>
    Namespace,

    /// <summary>In the namespace of the resource; a single one may also be read by those whose namespaces may use it.</summary>
    Shared,

    /// <summary>In all namespaces: the resource belongs to none.</summary>
    Cluster,
}
