namespace CN2.Api.Data.Rows;

/// <summary>A resource that lives in a namespace.</summary>
public abstract class NamespacedRow : ResourceRow
{
    public required string Namespace { get; set; }
}
