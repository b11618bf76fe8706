namespace CN2.Api.Data.Rows;

/// <summary>The first columns of every resource (docs/contract.md §2).</summary>
public abstract class ResourceRow
{
    /// <summary>UUIDv7.</summary>
    public Guid Uid { get; set; }

    public required string Name { get; set; }
    public Dictionary<string, string> Labels { get; set; } = [];
    public Dictionary<string, string> Annotations { get; set; } = [];

    /// <summary>Increments with every change of what the user asked for, never with a status; it is the ETag.</summary>
    public long Generation { get; set; } = 1;

    public DateTimeOffset CreatedAt { get; set; }
    public DateTimeOffset UpdatedAt { get; set; }
}
