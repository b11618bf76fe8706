using System.Net;
using CN2.Api.Data;

namespace CN2.Simulation.Tests.Database;

/// <summary>A row of <c>virtual_router_status</c>.</summary>
internal sealed record RouterStatus
{
    public bool Connected { get; init; }
    public string? ControlNode { get; init; }
    public DateTimeOffset LastSeen { get; init; }
    public bool Lost { get; init; }
    public DateTimeOffset? LostAt { get; init; }
    public DateTimeOffset? HeldAt { get; init; }
    public DateTimeOffset? VanishedAt { get; init; }
    public ulong AppliedRevision { get; init; }
    public FeedPosition? Applied { get; init; }
    public string? Message { get; init; }
    public string? Refused { get; init; }
    public string? Instance { get; init; }
    public IPAddress? Source { get; init; }
    public long Connection { get; init; }
}
