namespace CN2.Api.Data.Rows;

/// <summary>An agent that is refused because of this VirtualRouter's name or address, and goes on trying. One row of each reason.</summary>
public sealed class VirtualRouterIntruderRow
{
    public Guid Uid { get; set; }

    /// <summary>The type of the condition: DuplicateAgent or AddressTaken.</summary>
    public required string Reason { get; set; }
    public required string Message { get; set; }
    public DateTimeOffset Since { get; set; }
    public DateTimeOffset LastAt { get; set; }
}
