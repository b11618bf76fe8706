namespace CN2.Api.Kubernetes.Requests;

/// <summary>What becomes of the objects that belong to one that is deleted (<c>propagationPolicy</c>).</summary>
internal enum DeletionPropagation
{
    /// <summary>They are deleted afterwards.</summary>
    Background,

    /// <summary>They are deleted before, and the object waits for those that block its deletion.</summary>
    Foreground,

    /// <summary>They stay, and belong to it no more.</summary>
    Orphan,
}
