namespace CN2.Simulation.Tests.World;

/// <param name="SentOn">How often an agent was sent on to another control node.</param>
/// <param name="Failure">What went wrong; null: nothing.</param>
internal sealed record SimulationResult(int Seed, int Operations, TimeSpan SimulatedTime, long Turns, int Moments, int SentOn, string? Failure, string Trace)
{
    public override string ToString() => $"seed {Seed}: {Operations} operations, {SimulatedTime.TotalHours:F1} h, {Turns} turns, {Moments} moments, {SentOn} agents sent on{(Failure is null ? "" : $"\n{Failure}")}";
}
