namespace CN2.Api.Kubernetes.Forms;

/// <summary>What a client wants to see of objects. A closed set.</summary>
internal abstract record ObjectForm
{
    private ObjectForm()
    {
    }

    /// <summary>The object, or the list of its kind.</summary>
    public sealed record Whole : ObjectForm;

    /// <summary>A Table: columns and rows, as kubectl prints them.</summary>
    /// <param name="Version">Of meta.k8s.io: v1 or v1beta1.</param>
    /// <param name="Include">What each row has beside its cells.</param>
    public sealed record Table(string Version, RowObject Include = RowObject.Metadata) : ObjectForm;

    /// <summary>PartialObjectMetadata, or PartialObjectMetadataList.</summary>
    /// <param name="Version">Of meta.k8s.io: v1 or v1beta1.</param>
    public sealed record Metadata(string Version) : ObjectForm;
}
