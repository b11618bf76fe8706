namespace CN2.Api.Data.Rows;

/// <summary>The status of a FloatingIP as the leader last wrote it; no row: none was written since it was created.</summary>
public sealed class FloatingIPStatusRow
{
    public Guid Uid { get; set; }
    public required string Document { get; set; }
}
