using System.Diagnostics;
using System.Globalization;
using CN2.Simulation.Tests.World;

namespace CN2.Simulation.Tests;

/// <summary>
/// The whole control plane in one process, on one clock. <c>CN2_SIMULATION_OPERATIONS</c> makes the run longer, <c>CN2_SIMULATION_SEED</c> replays one,
/// and <c>CN2_SIMULATION_TROUBLE</c> names the kinds of trouble (docs/developing.md, "The simulation").
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int PerSeed = 5_000;

    [Fact]
    public void Whatever_happens_in_whatever_order_everything_comes_right()
    {
        var operations = Number("CN2_SIMULATION_OPERATIONS") ?? 100_000;
        var trouble = Environment.GetEnvironmentVariable("CN2_SIMULATION_TROUBLE") is { Length: > 0 } text ? Enum.Parse<Trouble>(text) : Trouble.Withstood;
        var seed = Number("CN2_SIMULATION_SEED");
        var clock = Stopwatch.StartNew();
        if (seed is { } one)
        {
            var replayed = SimulationRun.Do(one, Math.Min(operations, PerSeed), trouble, isTraced: true);
            File.WriteAllText(Path.Combine(Path.GetTempPath(), $"simulation-{one}.log"), replayed.Trace);
            Assert.True(replayed.Failure is null, replayed.ToString());
            return;
        }

        var failures = new List<string>();
        var done = 0;
        var turns = 0L;
        var moments = 0;
        for (var next = 1; done < operations; next++)
        {
            var result = SimulationRun.Do(next, PerSeed, trouble);
            done += result.Operations;
            turns += result.Turns;
            moments += result.Moments;
            if (result.Failure is null) continue;
            failures.Add(result.ToString());
            if (failures.Count == 10) break;
        }

        output.WriteLine($"{done} operations, {turns} turns, {moments} moments, {done / clock.Elapsed.TotalSeconds:F0} operations/s");
        Assert.True(failures.Count == 0, string.Join("\n\n", failures));
    }

    private static int? Number(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
