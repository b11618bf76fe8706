namespace CN2.Api.Kubernetes.Forms;

/// <summary>What a row of a Table has beside its cells: the query parameter <c>includeObject</c>.</summary>
internal enum RowObject
{
    /// <summary>PartialObjectMetadata; what is meant when nothing is said.</summary>
    Metadata,

    /// <summary>The whole object, by which kubectl sorts.</summary>
    Object,

    /// <summary>Nothing.</summary>
    None,
}
