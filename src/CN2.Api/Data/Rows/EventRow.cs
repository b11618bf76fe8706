namespace CN2.Api.Data.Rows;

/// <summary>An event for people: what happened and why (<c>GET /v1/events</c>).</summary>
public sealed class EventRow
{
    public long Id { get; set; }
    public ResourceKind Kind { get; set; }
    public string? Namespace { get; set; }
    public required string Name { get; set; }
    public DateTimeOffset At { get; set; }

    /// <summary>Normal or Warning.</summary>
    public required string Type { get; set; }
    public required string Reason { get; set; }
    public required string Message { get; set; }
}
