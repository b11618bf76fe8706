namespace CN2.Simulation.Tests.Database;

/// <summary>A row of <c>control_node</c>.</summary>
internal sealed record ControlNodeRow(DateTimeOffset LastSeen, int RestartTimeSeconds, string Sessions, bool EngineBound, bool RowsRestored = false);
