namespace CN2.Simulation.Tests.World;

/// <param name="Failure">What went wrong; null: nothing.</param>
internal sealed record SimulationResult(int Seed, int Operations, TimeSpan SimulatedTime, long Turns, int Moments, string? Failure, string Trace)
{
    public override string ToString() => $"seed {Seed}: {Operations} operations, {SimulatedTime.TotalHours:F1} h, {Turns} turns, {Moments} moments{(Failure is null ? "" : $"\n{Failure}")}";
}
