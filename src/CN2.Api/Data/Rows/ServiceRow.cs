namespace CN2.Api.Data.Rows;

public sealed class ServiceRow : NamespacedRow
{
    /// <summary>The request with defaults, and the allocated node ports (JSON).</summary>
    public required string Spec { get; set; }

    /// <summary>A condition reason while an address or node port is missing; null when nothing is missing.</summary>
    public string? PendingReason { get; set; }

    /// <summary>A sentence for the user about <see cref="PendingReason"/>.</summary>
    public string? PendingMessage { get; set; }

    public DateTimeOffset? DeletingAt { get; set; }
}
