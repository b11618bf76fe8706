namespace CN2.Simulation.Tests.Database;

/// <summary>The row of <c>leader_lease</c>.</summary>
internal sealed record LeaseRow(string ControlNode, Guid Run, long Fence, DateTimeOffset RenewedAt, DateTimeOffset ExpiresAt);
