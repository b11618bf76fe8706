namespace CN2.Simulation.Tests.Database;

/// <summary>A row of <c>control_node</c>.</summary>
internal sealed record ControlNodeRow(DateTimeOffset LastSeen, int RestartTimeSeconds, string Sessions, bool EngineBound, bool TakesAgents, bool RowsRestored = false, bool RowsLost = false)
{
    /// <summary>As <see cref="CN2.Api.Data.ControlNodeLiveness.IsAlive"/> has it.</summary>
    public bool IsAlive(DateTimeOffset now, TimeSpan goneAfter) => LastSeen >= now - goneAfter && LastSeen <= now + goneAfter;
}
