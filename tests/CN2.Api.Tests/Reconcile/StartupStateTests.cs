using CN2.Api.Reconcile;

namespace CN2.Api.Tests.Reconcile;

/// <summary>The table in docs/threads.md is the specification: this compares it with the code, for every state and event.</summary>
public sealed class StartupStateTests
{
    private static readonly StartupPhase[] Phases = Enum.GetValues<StartupPhase>();
    private static readonly StartupEvent[] Events = Enum.GetValues<StartupEvent>();

    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (var phase in Phases)
                foreach (var startupEvent in Events)
                    cases.Add(phase.ToString(), startupEvent.ToString());
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Each_event_moves_each_state_as_the_documentation_says(string phaseName, string eventName)
    {
        var phase = Enum.Parse<StartupPhase>(phaseName);
        var startupEvent = Enum.Parse<StartupEvent>(eventName);
        var nextPhase = CellOf("phase after", phaseName, eventName) is "–" ? phase : Enum.Parse<StartupPhase>(CellOf("phase after", phaseName, eventName));
        foreach (var held in new[] { false, true })
        {
            var nextHeld = CellOf("peers after", phaseName, eventName) switch { "–" => held, "held" => true, "free" => false, var other => throw new InvalidOperationException(other) };
            Assert.Equal(new StartupState(nextPhase, nextHeld), new StartupState(phase, held).After(startupEvent));
        }
    }

    [Theory]
    [InlineData("AwaitingSpeaker", false, false)]
    [InlineData("ServingWithoutSpeaker", false, true)]
    [InlineData("SendingFirstSet", true, false)]
    [InlineData("RemovingPaths", true, false)]
    [InlineData("HoldingEntries", true, false)]
    [InlineData("Open", true, true)]
    public void Each_phase_lets_through_what_the_documentation_says(string phase, bool speaker, bool agents)
    {
        foreach (var held in new[] { false, true })
        {
            var state = new StartupState(Enum.Parse<StartupPhase>(phase), held);
            Assert.Equal((speaker, agents, speaker && !held), (state.SpeakerStarted, state.ServesAgents, state.ServesPeers));
        }
    }

    [Fact]
    public void Every_phase_can_reach_Open() => Assert.All(Phases, phase =>
    {
        var state = new StartupState(phase, PeersHeld: true);
        foreach (var startupEvent in new[] { StartupEvent.SpeakerEmpty, StartupEvent.FirstSetTaken, StartupEvent.HoldOver, StartupEvent.LostAfterOver }) state = state.After(startupEvent);
        Assert.Equal(new StartupState(StartupPhase.Open, PeersHeld: false), state);
    });

    /// <summary>A cell of the table whose first heading is <paramref name="table"/>.</summary>
    private static string CellOf(string table, string row, string column)
    {
        var lines = File.ReadAllLines(Path.Combine(Repository.Root, "docs/threads.md")).SkipWhile(l => !l.StartsWith($"| {table} |", StringComparison.Ordinal)).TakeWhile(l => l.StartsWith('|')).Select(Cells).ToList();
        var index = lines[0].IndexOf($"`{column}`");
        Assert.True(index > 0, $"docs/threads.md has no column {column} in the table \"{table}\"");
        return lines.Single(l => l[0] == $"`{row}`")[index].Trim('`');
    }

    private static List<string> Cells(string line) => [.. line.Trim('|').Split('|').Select(c => c.Trim())];
}
