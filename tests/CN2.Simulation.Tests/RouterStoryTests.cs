using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Network.Addressing;
using CN2.Simulation.Tests.Bgp;

namespace CN2.Simulation.Tests;

/// <summary>
/// Stories that the simulation found, of what a router keeps over the end of its engine, told by the real driver alone. Each is told in several orders of what
/// happens at the same moment.
/// </summary>
public sealed class RouterStoryTests
{
    private const string Prefix = "100.1.0.7";
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    public static TheoryData<int> Seeds { get; } = [.. Enumerable.Range(1, 20)];

    /// <summary>
    /// After the end of an engine the routers that were in session for long come first, and the others wait. What is withdrawn meanwhile is gone for the
    /// control node. A router that has waited and is in session must not keep it until a third one is back too, for which the engine waits.
    /// </summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_router_that_waited_drops_what_it_missed_also_while_another_one_is_away(int seed)
    {
        var story = new DriverStory(seed);
        var path = DriverStory.Path(Prefix, "172.28.0.3");
        story.Start(null, path);
        EndEngineWhenOnlyOneRouterIsProven(story, () => story.Frr.Cut(story.Engine.Name));
        story.Until(() => story.IsUp(story.OnePath));

        story.Until(story.Withdraw(path));
        story.Until(() => story.IsUp(story.Bird));
        story.Run(Second);

        Assert.Empty(story.Bird.Table);
        story.Frr.MendAll();
        story.Until(() => story.IsUp(story.Frr));
        story.Run(Second);
        Assert.Empty(story.Frr.Table);
    }

    /// <summary>Which routers wait to be given to a restarted engine is known only to the process that lets them wait.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_router_that_waited_when_the_control_node_was_killed_drops_what_the_next_process_withdraws(int seed)
    {
        var story = new DriverStory(seed);
        var paths = new[] { DriverStory.Path(Prefix, "172.28.0.3"), DriverStory.Path(Prefix, "172.28.0.4") };
        story.Start(null, paths);
        EndEngineWhenOnlyOneRouterIsProven(story, () => story.OnePath.Cut(story.Engine.Name));
        story.Until(() => story.Engine.Sessions.Any());
        story.Run(Second);
        var rows = story.RowsOf(paths);
        story.Kill();
        story.OnePath.MendAll();

        story.Start(rows);
        story.Until(() => story.IsUp(story.Frr, story.Bird));
        story.Run(5 * Second);

        Assert.Empty(story.Frr.Table);
        Assert.Empty(story.Bird.Table);
    }

    /// <summary>
    /// Of an engine that was in use before this process came, nobody knows which number a new path gets until the engine is asked. It sends the path before that, and
    /// may end before that.
    /// </summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_path_whose_number_was_not_learned_before_the_engine_ended_does_not_stay(int seed)
    {
        var story = new DriverStory(seed);
        var paths = EndEngineBeforeItTellsNumbers(story, seed);
        story.Engine.Start();

        story.Until(() => story.IsUp(story.Frr, story.Bird));
        story.Run(5 * Second);

        foreach (var router in new[] { story.Frr, story.Bird })
        {
            Assert.Equal(paths.Select(p => p.NextHop), router.Table.Select(p => p.Path.NextHop).OrderBy(h => h.ToString(), StringComparer.Ordinal));
            Assert.DoesNotContain(router.Table, p => p.Path.IsStale);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Nor_does_it_stay_when_it_is_withdrawn_before_the_engine_is_back(int seed)
    {
        var story = new DriverStory(seed);
        EndEngineBeforeItTellsNumbers(story, seed);
        story.Run(Second);
        story.Change(s => s.SetPathsAsync([], CancellationToken.None));
        story.Run(Second);
        story.Engine.Start();

        story.Until(() => story.IsUp(story.Frr, story.Bird));
        story.Run(5 * Second);

        Assert.Empty(story.Frr.Table);
        Assert.Empty(story.Bird.Table);
    }

    /// <summary>
    /// A router is in session with a restarted engine, which sends it nothing before the routers that are away are given up (the deferral time). A process that
    /// comes in that moment withdraws before it knows which routers there are.
    /// </summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_router_that_waits_for_the_end_of_a_restart_drops_what_the_next_process_withdraws(int seed)
    {
        var story = new DriverStory(seed);
        BgpPath stays = DriverStory.Path(Prefix, "172.28.0.3"), goes = DriverStory.Path(Prefix, "172.28.0.4");
        story.Start(null, goes, stays);
        story.UntilAllAreUp();
        story.Run(PeerTrials.ProvenAfter);
        story.OnePath.Cut(story.Engine.Name);
        story.Engine.Kill();
        story.Run(Second / 10);
        story.Engine.Start();
        story.Until(() => story.IsUp(story.Frr) && story.Engine.Sessions.Any(s => s.Router == story.Frr && s.IsRestarting));
        var (rows, session) = (story.RowsOf(goes, stays), story.Engine.Sessions.Single(s => s.Router == story.Frr));
        story.Kill();

        story.Start(rows, stays);
        story.OnePath.MendAll();
        story.UntilAllAreUp();
        story.Run(15 * Second);

        Assert.Contains(session, story.Engine.Sessions); // it waited, and needed no new session
        foreach (var router in new[] { story.Frr, story.Bird, story.OnePath }) Assert.Equal([stays.NextHop], router.Table.Select(p => p.Path.NextHop));
    }

    /// <summary>What a path's communities are is known only when the resources have been read; which number it has is known before, from the row.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_path_that_some_routers_are_kept_from_has_its_number_after_both_processes_were_killed(int seed) =>
        KillBothProcesses(seed, (story, rows, path) => story.Start(rows, path));

    [Theory]
    [MemberData(nameof(Seeds))]
    public void It_has_its_number_also_when_it_is_announced_only_after_the_vRouters_have_answered(int seed) =>
        KillBothProcesses(seed, (story, rows, path) => story.StartWithoutAnswers(rows, path));

    private static void KillBothProcesses(int seed, Action<DriverStory, IReadOnlyCollection<AnnouncedPath>, BgpPath> startAgain)
    {
        var story = new DriverStory(seed);
        var path = DriverStory.Path(Prefix, "172.28.0.3") with { Communities = [BgpCommunity.NoExport] };
        story.Start(null, path);
        story.UntilAllAreUp();
        story.Run(Second);
        Assert.NotEmpty(story.Frr.Table);
        var rows = story.KillBothAndStartEngine(path);

        startAgain(story, rows, path);
        story.UntilAllAreUp();
        story.Run(5 * Second);
        Assert.Equal([path.NextHop], story.Frr.Table.Select(p => p.Path.NextHop));
        story.Until(story.Withdraw(path));
        story.Run(5 * Second);
        foreach (var router in new[] { story.Frr, story.Bird, story.OnePath }) Assert.Empty(router.Table);
    }

    /// <summary>
    /// The machine of a control node is lost with the primary server of the database, and the standby has not its last rows. Nobody knows by which numbers routers keep its paths when it is back.
    /// </summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_path_whose_row_a_fail_over_lost_while_both_processes_were_dead_does_not_stay(int seed)
    {
        var story = new DriverStory(seed);
        BgpPath goes = DriverStory.Path(Prefix, "172.28.0.3"), comes = DriverStory.Path(Prefix, "172.28.0.4");
        story.Start(null, goes, comes);
        story.UntilAllAreUp();
        story.Run(Second);
        story.KillBothAndStartEngine(goes, comes);
        story.LoseRows();

        story.Start(null, comes);
        HasOnly(story, comes);
    }

    /// <summary>The same, and a process in between has started the engine when it is killed: the engine is there, and has told no router anything.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Nor_does_it_stay_when_a_process_in_between_has_started_the_engine(int seed)
    {
        var story = new DriverStory(seed);
        BgpPath goes = DriverStory.Path(Prefix, "172.28.0.3"), comes = DriverStory.Path(Prefix, "172.28.0.4");
        story.Start(null, goes, comes);
        story.UntilAllAreUp();
        story.Run(Second);
        story.KillBothAndStartEngine(goes, comes);
        story.LoseRows();
        story.StartWithoutPeers(null);
        story.Run(Second);
        story.Kill();

        story.Start(null, comes);
        HasOnly(story, comes);
    }

    /// <summary>A router was away when a path was withdrawn. It comes back while the control node's process is dead, and the row that says that it is owed a new session is lost with the primary server of the database.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void What_a_router_missed_does_not_stay_when_a_fail_over_lost_the_row_that_says_so(int seed)
    {
        var story = new DriverStory(seed);
        BgpPath goes = DriverStory.Path(Prefix, "172.28.0.3"), stays = DriverStory.Path(Prefix, "172.28.0.4");
        story.Start(null, stays, goes);
        story.UntilAllAreUp();
        story.Run(Second);
        story.Frr.Cut(story.Engine.Name);
        story.Engine.Sessions.Single(s => s.Router == story.Frr).Reset(isGraceful: true);
        story.Run(Second);
        story.Until(story.Withdraw(goes));
        story.Kill();
        story.LoseRows();

        story.Frr.MendAll();
        story.UntilAllAreUp();
        story.Run(Second);
        Assert.Contains(goes.NextHop, story.Frr.Table.Select(p => p.Path.NextHop));

        story.Start(null, stays);
        HasOnly(story, stays);
    }

    /// <summary>
    /// The engine hangs when a path is withdrawn, and a router loses its session meanwhile. The control node's process ends before the engine goes on, withdraws and has the router back: nobody has seen that
    /// the router missed it.
    /// </summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_path_that_a_hung_engine_withdrew_after_its_process_had_ended_does_not_stay(int seed)
    {
        var story = new DriverStory(seed);
        BgpPath goes = DriverStory.Path(Prefix, "172.28.0.3"), stays = DriverStory.Path(Prefix, "172.28.0.4");
        story.Start(null, stays, goes);
        story.UntilAllAreUp();
        story.Run(5 * Second);
        var rows = story.RowsOf(stays, goes);
        story.Engine.Hang();
        story.Withdraw(goes);
        story.Run(Second);
        story.Engine.Sessions.Single(s => s.Router == story.Frr).Reset(isGraceful: true);
        story.Kill();
        story.Engine.Continue();
        story.UntilAllAreUp();
        story.Run(Second);
        Assert.Contains(goes.NextHop, story.Frr.Table.Select(p => p.Path.NextHop));
        var untouched = story.Engine.Sessions.Single(s => s.Router == story.Bird);

        story.Start(rows, stays);
        HasOnly(story, stays);
        Assert.Contains(untouched, story.Engine.Sessions); // it was in session all the time
    }

    /// <summary>What is stored of a router cannot be read any more, such as a key that this server cannot decrypt: the router stays as the engine has it, and misses a withdrawal.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void What_a_router_missed_whose_settings_cannot_be_read_does_not_stay(int seed)
    {
        var story = new DriverStory(seed);
        BgpPath goes = DriverStory.Path(Prefix, "172.28.0.3"), stays = DriverStory.Path(Prefix, "172.28.0.4");
        story.Start(null, stays, goes);
        story.UntilAllAreUp();
        story.Run(Second);
        story.Until(story.SetPeers(BgpPeer.Unreadable(story.Frr.Name, story.Frr.Address, null)));
        story.Frr.Cut(story.Engine.Name);
        story.Engine.Sessions.Single(s => s.Router == story.Frr).Reset(isGraceful: true);
        story.Run(Second);
        story.Until(story.Withdraw(goes));
        Assert.Contains(goes.NextHop, story.Frr.Table.Select(p => p.Path.NextHop));
        story.Frr.MendAll();
        HasOnly(story, stays);
    }

    /// <summary>
    /// A network's routes are kept from external routers while both processes are dead. FRR is not sent the path any more, and keeps it as long as it is sent another one of the prefix: the one that
    /// nobody wants any more.
    /// </summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_path_that_some_routers_must_lose_since_both_processes_were_killed_does_not_stay_beside_one_that_leaves(int seed)
    {
        var story = new DriverStory(seed, isFrrExternal: true);
        BgpPath goes = DriverStory.Path(Prefix, "172.28.0.3"), stays = DriverStory.Path(Prefix, "172.28.0.4");
        story.Start(null, goes, stays);
        story.UntilAllAreUp();
        story.Run(Second);
        var rows = story.KillBothAndStartEngine(goes, stays);

        story.Start(rows, stays with { Communities = [BgpCommunity.NoExport] });
        story.UntilAllAreUp();
        story.Run(15 * Second);
        Assert.Empty(story.Frr.Table);
        Assert.Equal([stays.NextHop], story.Bird.Table.Select(p => p.Path.NextHop));
    }

    /// <summary>A path that some routers must lose is withdrawn and announced by another number. A router that is in session with a restarted engine and waits hears nothing of that.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_path_that_some_routers_must_lose_does_not_stay_at_one_that_waits_for_the_end_of_a_restart(int seed)
    {
        var story = new DriverStory(seed);
        var path = DriverStory.Path(Prefix, "172.28.0.3");
        story.Start(null, path);
        story.UntilAllAreUp();
        story.Run(PeerTrials.ProvenAfter);
        story.OnePath.Cut(story.Engine.Name);
        story.Engine.Kill();
        story.Run(Second / 10);
        story.Engine.Start();
        story.Until(() => story.IsUp(story.Frr) && story.Engine.Sessions.Any(s => s.Router == story.Frr && s.IsRestarting));

        story.Change(s => s.ChangePathsAsync([path with { Communities = [BgpCommunity.NoExport] }], [], CancellationToken.None));
        story.Run(Second / 10);
        story.OnePath.MendAll();
        HasOnly(story, path);
    }

    /// <summary>Nor does one hear of it that is away. FRR drops one path of each prefix when it is back, and keeps the others.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Nor_does_it_stay_at_one_whose_session_is_lost(int seed)
    {
        var story = new DriverStory(seed);
        var paths = new[] { DriverStory.Path(Prefix, "172.28.0.3"), DriverStory.Path(Prefix, "172.28.0.4") };
        story.Start(null, paths);
        story.UntilAllAreUp();
        story.Run(PeerTrials.ProvenAfter);
        story.Frr.Cut(story.Engine.Name);
        story.Engine.Sessions.Single(s => s.Router == story.Frr).Reset(isGraceful: true);
        story.Run(Second / 10);

        story.Change(s => s.ChangePathsAsync([.. paths.Select(p => p with { Communities = [BgpCommunity.NoExport] })], [], CancellationToken.None));
        story.Run(Second / 10);
        story.Frr.MendAll();
        HasOnly(story, paths);
    }

    private static void HasOnly(DriverStory story, params BgpPath[] paths)
    {
        story.UntilAllAreUp();
        story.Run(15 * Second);
        foreach (var router in new[] { story.Frr, story.Bird })
        {
            Assert.Equal(paths.Select(p => p.NextHop), router.Table.Select(p => p.Path.NextHop).OrderBy(h => h.ToString(), StringComparer.Ordinal));
            Assert.DoesNotContain(router.Table, p => p.Path.IsStale);
        }
    }

    /// <summary>The engine ends and is started at once; of the routers only the one without ADD-PATH was in session for long.</summary>
    private static void EndEngineWhenOnlyOneRouterIsProven(DriverStory story, Action meanwhile)
    {
        story.UntilAllAreUp();
        story.Run(PeerTrials.ProvenAfter);
        foreach (var session in story.Engine.Sessions.Where(s => s.Router != story.OnePath).ToList()) session.Reset(isGraceful: false);
        story.UntilAllAreUp();
        story.Run(Second);
        Assert.NotEmpty(story.Frr.Table);
        Assert.NotEmpty(story.Bird.Table);

        meanwhile();
        story.Engine.Kill();
        story.Run(Second / 10);
        story.Engine.Start();
    }

    /// <summary>An engine that was in use before this process came ends when it was given two paths.</summary>
    /// <returns>The two paths.</returns>
    private static BgpPath[] EndEngineBeforeItTellsNumbers(DriverStory story, int seed)
    {
        UseUpNumber(story, DriverStory.Path(Prefix, "172.28.0.2"));
        EndEngineWhenItTakes(story, seed);
        BgpPath[] paths = [DriverStory.Path(Prefix, "172.28.0.3"), DriverStory.Path(Prefix, "172.28.0.4")];
        story.Change(s => s.ChangePathsAsync(paths, [], CancellationToken.None));
        story.Until(() => !story.Engine.IsUp);
        return paths;
    }

    /// <summary>A process announces the path, withdraws it, and is killed; the next one does not know that its number was given.</summary>
    private static void UseUpNumber(DriverStory story, BgpPath path)
    {
        story.Start(null, path);
        story.UntilAllAreUp();
        story.Until(story.Withdraw(path));
        story.Run(Second);
        story.Kill();
        story.Start(null);
        story.Run(5 * Second);
        Assert.True(story.IsUp(story.Frr, story.Bird, story.OnePath));
        Assert.Empty(story.Frr.Table);
    }

    /// <summary>The engine ends when it has taken the next paths and sent them, in one seed of two before it has answered at all.</summary>
    private static void EndEngineWhenItTakes(DriverStory story, int seed)
    {
        story.Engine.Taken += (engine, _, _) =>
        {
            if (engine.Life > 0 || !engine.IsUp || engine.IsHung) return;
            story.Scheduler.After(TimeSpan.Zero, () =>
            {
                if (engine.Life == 0) engine.Kill();
            });
            if (seed % 2 == 0) engine.Hang();
        };
    }
}
