namespace CN2.Simulation.Tests.Database;

/// <summary>A row of <c>virtual_router_status</c>.</summary>
internal sealed record RouterStatus(
    bool Connected, string? ControlNode, DateTimeOffset LastSeen, bool Lost, ulong AppliedRevision, long AppliedPosition, string? Message);
