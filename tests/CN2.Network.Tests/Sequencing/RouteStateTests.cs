using System.Runtime.CompilerServices;
using CN2.Network.Compilation;
using CN2.Network.Sequencing;

namespace CN2.Network.Tests.Sequencing;

/// <summary>The table of states and events in <c>docs/adr/0001-entries-before-routes.md</c>, cell by cell.</summary>
public sealed class RouteStateTests
{
    private const string Unchanged = "–";

    private static readonly DateTimeOffset Now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly FloatingIPRoute Route = Routes.Through(4, "compute1").Routes[0];

    private static readonly FloatingIPRoute Changed =
        Route with { Network = Route.Network with { Advertisement = Route.Network.Advertisement with { Med = 7 } } };

    private static readonly FloatingIPRoute ThroughAnotherNextHop = Route with { NextHop = System.Net.IPAddress.Parse("172.27.115.9") };

    private static readonly Dictionary<string, RouteState> States = new()
    {
        ["AwaitingEntries"] = RouteState.AwaitingEntries.Instance,
        ["Announced"] = new RouteState.Announced(Route, Confirmed: null),
        ["Superseded"] = new RouteState.Superseded(Route, Confirmed: null, Now + RouteSequencer.BreakHold),
        ["Withdrawing"] = new RouteState.Withdrawing(Route, Confirmed: null),
        ["Holding"] = new RouteState.Holding(Now + RouteSequencer.EntryHold),
    };

    private static readonly Dictionary<string, Func<RouteState, RouteStep>> Events = new()
    {
        ["wanted, entries not acknowledged"] = s => s.Wanted(Route, entriesAcknowledged: false),
        ["wanted, entries acknowledged"] = s => s.Wanted(Route, entriesAcknowledged: true),
        ["wanted with other attributes"] = s => s.Wanted(Changed, entriesAcknowledged: true),
        ["wanted through another next hop"] = s => s.Wanted(ThroughAnotherNextHop, entriesAcknowledged: true),
        ["not wanted"] = s => s.Unwanted(awaitSuccessor: false, Now),
        ["not wanted, successor on its way"] = s => s.Unwanted(awaitSuccessor: true, Now),
        ["5 s later, successor still on its way"] = s => s.Unwanted(awaitSuccessor: true, Now + RouteSequencer.BreakHold),
        ["speaker announced it"] = s => new(s.SpeakerAnnounced(Route)),
        ["speaker refused it"] = s => new(s.SpeakerRefused(Route)),
        ["speaker withdrew it"] = s => new(s.SpeakerWithdrew(Route, Now)),
        ["speaker withdrew another next hop"] = s => new(s.SpeakerWithdrew(ThroughAnotherNextHop, Now)),
        ["its entries go"] = s => new(s.EntriesGo(announcedElsewhere: false, Now)),
        ["its entries go, announced by another replica"] = s => new(s.EntriesGo(announcedElsewhere: true, Now)),
        ["less than 1 s later"] = s => new(s.TimePassed(announcedElsewhere: false, Now + RouteSequencer.EntryHold - TimeSpan.FromTicks(1))),
        ["1 s later"] = s => new(s.TimePassed(announcedElsewhere: false, Now + RouteSequencer.EntryHold)),
        ["1 s later, announced by another replica"] = s => new(s.TimePassed(announcedElsewhere: true, Now + RouteSequencer.EntryHold)),
        ["found in the speaker at start, wanted"] = _ => new(RouteState.FoundInSpeaker(Route)),
    };

    public static TheoryData<string, string, string> Cells()
    {
        var table = Table();
        var cells = new TheoryData<string, string, string>();
        foreach (var row in table.Skip(1))
        {
            for (var column = 1; column < row.Length; column++) cells.Add(table[0][column], row[0], row[column]);
        }

        return cells;
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public void A_state_and_an_event_give_the_next_state_and_the_speakers_work(string state, string change, string expected)
    {
        var before = States[state];
        var step = Events[change](before);
        Assert.Equal(expected, Text(before, step));
    }

    [Fact]
    public void The_table_has_every_state_and_every_event()
    {
        var table = Table();
        var states = typeof(RouteState).GetNestedTypes().Select(t => t.Name).Order();
        Assert.Equal(states, States.Keys.Order());
        Assert.Equal(states, table[0].Skip(1).Order());
        Assert.Equal(Events.Keys.Order(), table.Skip(1).Select(row => row[0]).Order());
        Assert.All(table, row => Assert.Equal(table[0].Length, row.Length));
    }

    [Theory]
    [InlineData("Announced")]
    [InlineData("Superseded")]
    [InlineData("Withdrawing")]
    public void A_refusal_takes_the_confirmation_back(string name)
    {
        var confirmed = Confirmed(name);
        Assert.Equal(Route, confirmed.ConfirmedRoute);
        Assert.Equal(States[name], confirmed.SpeakerRefused(Route));
    }

    [Theory]
    [InlineData("Announced")]
    [InlineData("Superseded")]
    public void A_refusal_of_another_next_hop_leaves_the_confirmation(string name) =>
        Assert.Equal(Confirmed(name), Confirmed(name).SpeakerRefused(ThroughAnotherNextHop));

    [Theory]
    [InlineData("Announced")]
    [InlineData("Superseded")]
    [InlineData("Withdrawing")]
    public void The_confirmed_version_stays_known_until_the_speaker_answers_about_the_next_one(string name)
    {
        Assert.Equal(new RouteState.Announced(Changed, Route), Confirmed(name).Wanted(Changed, entriesAcknowledged: true).Next);
        Assert.Equal(Route, Confirmed(name).Unwanted(awaitSuccessor: false, Now).Next.ConfirmedRoute);
    }

    [Fact]
    public void Deadlines_are_counted_from_the_event()
    {
        Assert.Equal(States["Superseded"], States["Announced"].Unwanted(awaitSuccessor: true, Now).Next);
        Assert.Equal(States["Holding"], States["Withdrawing"].SpeakerWithdrew(Route, Now));
        var later = Now + TimeSpan.FromMinutes(1);
        Assert.Equal(later + RouteSequencer.EntryHold, States["Holding"].TimePassed(announcedElsewhere: true, later).DueAt);
    }

    private static RouteState Confirmed(string name) => States[name] switch
    {
        RouteState.Announced s => s with { Confirmed = Route },
        RouteState.Superseded s => s with { Confirmed = Route },
        RouteState.Withdrawing s => s with { Confirmed = Route },
        var state => throw new ArgumentException($"{state} has no confirmed route."),
    };

    private static string Text(RouteState before, RouteStep step)
    {
        var text = step.Next.Equals(before) ? Unchanged : step.Next.GetType().Name + (step.Next.ConfirmedRoute is null ? "" : ", confirmed");
        string[] work =
        [
            .. step.Withdraw is null ? [] : new[] { step.Withdraw == Route ? "withdraw the old" : "withdraw another route" },
            .. step.Announce is null ? [] : new[] { "announce" },
        ];
        return work.Length == 0 ? text : $"{text}: {string.Join(", ", work)}";
    }

    private static List<string[]> Table([CallerFilePath] string file = "")
    {
        var adr = Path.Combine(Path.GetDirectoryName(file)!, "../../../docs/adr/0001-entries-before-routes.md");
        return [.. File.ReadLines(adr)
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal))
            .Select(line => line.Trim('|', ' ').Split('|', StringSplitOptions.TrimEntries))];
    }
}
