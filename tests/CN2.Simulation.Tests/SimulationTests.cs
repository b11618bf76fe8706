using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using CN2.Simulation.Tests.World;

namespace CN2.Simulation.Tests;

/// <summary>
/// The whole control plane in one process, on one clock. <c>CN2_SIMULATION_OPERATIONS</c> makes the run longer, <c>CN2_SIMULATION_SEED</c> replays one
/// seed, and <c>CN2_SIMULATION_TROUBLE</c> names the kinds of trouble instead of the seed's (docs/simulation.md).
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private static readonly int PerSeed = Number("CN2_SIMULATION_PER_SEED") ?? 1_000;
    private const int MostFailures = 10;
    private static readonly TimeSpan ReportInterval = TimeSpan.FromSeconds(30);

    [Fact]
    public void Whatever_happens_in_whatever_order_everything_comes_right()
    {
        var operations = Number("CN2_SIMULATION_OPERATIONS") ?? 100_000;
        if (Number("CN2_SIMULATION_SEED") is { } one)
        {
            var replayed = SimulationRun.Do(one, Math.Min(operations, PerSeed), TroubleOf(one), isTraced: true);
            File.WriteAllText(Path.Combine(Path.GetTempPath(), $"simulation-{one}.log"), replayed.Trace);
            output.WriteLine(replayed.ToString());
            Assert.True(replayed.Failure is null, replayed.ToString());
            return;
        }

        var clock = Stopwatch.StartNew();
        var failures = new ConcurrentQueue<string>();
        long done = 0, turns = 0, moments = 0, sentOn = 0, reports = 0;
        var first = Number("CN2_SIMULATION_FIRST_SEED") ?? 1;
        var seeds = Enumerable.Range(first, (operations + PerSeed - 1) / PerSeed);
        Parallel.ForEach(
            Partitioner.Create(seeds, EnumerablePartitionerOptions.NoBuffering),
            new ParallelOptions { MaxDegreeOfParallelism = Number("CN2_SIMULATION_THREADS") ?? Environment.ProcessorCount },
            (seed, loop) =>
            {
                var result = SimulationRun.Do(seed, PerSeed, TroubleOf(seed));
                Interlocked.Add(ref turns, result.Turns);
                Interlocked.Add(ref moments, result.Moments);
                Interlocked.Add(ref sentOn, result.SentOn);
                var total = Interlocked.Add(ref done, result.Operations);
                if (result.Failure is not null)
                {
                    failures.Enqueue(result.ToString());
                    Console.WriteLine(result);
                    if (failures.Count >= MostFailures) loop.Stop();
                }

                var due = (long)(clock.Elapsed / ReportInterval);
                if (Interlocked.Exchange(ref reports, due) < due) Console.WriteLine(Progress(total));
            });
        output.WriteLine($"{Progress(done)}, {turns} turns, {moments} moments, {sentOn} agents sent on");
        Assert.True(failures.IsEmpty, string.Join("\n\n", failures));

        string Progress(long total) => string.Create(
            CultureInfo.InvariantCulture, $"{total} of {operations} operations, {total / clock.Elapsed.TotalSeconds:F0} a second, {failures.Count} failures");
    }

    /// <summary>The same with as many nodes as a fleet has: what all of them get alike, herds that come back, and positions of a thousand agents.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void With_a_thousand_nodes_everything_comes_right_too(int seed)
    {
        var result = SimulationRun.Do(seed, operations: Number("CN2_SIMULATION_OF_THOUSAND") ?? 200, Troubles.Mixed(seed), perRound: 50, nodes: 1_000);
        output.WriteLine(result.ToString());
        Assert.True(result.Failure is null, result.ToString());
    }

    private static Trouble TroubleOf(int seed) => Environment.GetEnvironmentVariable("CN2_SIMULATION_TROUBLE") switch
    {
        null or "" => Troubles.Of(seed),
        "Mixed" => Troubles.Mixed(seed),
        var kinds => Enum.Parse<Trouble>(kinds),
    };

    private static int? Number(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
}
