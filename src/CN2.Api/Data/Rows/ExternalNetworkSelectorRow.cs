namespace CN2.Api.Data.Rows;

/// <summary><see cref="Spec"/> is the selector as the user wrote it (JSON).</summary>
public sealed class ExternalNetworkSelectorRow : ResourceRow
{
    public required string Spec { get; set; }
}
