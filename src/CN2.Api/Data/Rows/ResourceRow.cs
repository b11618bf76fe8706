namespace CN2.Api.Data.Rows;

/// <summary>What every resource's row begins with (contract §2).</summary>
public abstract class ResourceRow
{
    /// <summary>UUIDv7.</summary>
    public Guid Uid { get; set; }

    public required string Name { get; set; }
    public Dictionary<string, string> Labels { get; set; } = [];
    public Dictionary<string, string> Annotations { get; set; } = [];

    /// <summary>Moves on every change of what the user asked for, never on status; the ETag.</summary>
    public long Generation { get; set; } = 1;

    public DateTimeOffset CreatedAt { get; set; }
    public DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>A resource that lives in a namespace.</summary>
public abstract class NamespacedRow : ResourceRow
{
    public required string Namespace { get; set; }
}
