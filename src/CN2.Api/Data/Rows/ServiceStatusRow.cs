namespace CN2.Api.Data.Rows;

/// <summary>The status of a Service as the leader last wrote it; no row: none was written since it was created.</summary>
public sealed class ServiceStatusRow
{
    public Guid Uid { get; set; }
    public required string Document { get; set; }
}
