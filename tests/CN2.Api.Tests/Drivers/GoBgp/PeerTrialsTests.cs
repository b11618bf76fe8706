using CN2.Api.Drivers;
using CN2.Api.Drivers.GoBgp;
using CN2.Network.Resources;
using Microsoft.Extensions.Time.Testing;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>Which router ends the engine: those in session are suspected, the others are connected at once.</summary>
public sealed class PeerTrialsTests
{
    private static readonly Dictionary<string, BgpPeer> Wanted = new[] { "a-good", "b-good", "down", "harmful" }.ToDictionary(n => n, n => Spec.Peer(n, 200 + n.Length));

    private readonly FakeTimeProvider _time = new();
    private readonly PeerTrials _trials;
    private readonly List<string> _leftOut = [];

    public PeerTrialsTests() => _trials = new(_time);

    [Fact]
    public void An_engine_that_ends_now_and_then_leaves_nobody_out_and_holds_nobody_back()
    {
        for (var i = 0; i < 20; i++)
        {
            Assert.Null(_trials.EngineEnded(Wanted, Wanted.Keys, ["a-good"], []));
            _time.Advance(PeerTrials.Window / (Limits.EngineEnds - 1) + TimeSpan.FromSeconds(1));
            Assert.Equal(Wanted.Keys, Admitted());
        }
    }

    [Fact]
    public void Those_that_were_in_session_are_connected_one_after_another_and_all_others_at_once()
    {
        EndAgainAndAgain("a-good", "harmful");
        Assert.Equal(["b-good", "down"], Admitted());
        Assert.Contains("waits for its turn", _trials.FaultOf("a-good"), StringComparison.Ordinal);
        // First the engine must stand without them.
        _time.Advance(PeerTrials.QuietTime - TimeSpan.FromSeconds(1));
        Assert.False(_trials.Advance(_ => false));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(_trials.Advance(_ => false));
        Assert.Equal(["a-good", "b-good", "down"], Admitted());
        Assert.False(_trials.Advance(a => a == "a-good"));
        _time.Advance(PeerTrials.ShortestStanding);
        Assert.True(_trials.Advance(a => a == "a-good"));
        Assert.Equal(Wanted.Keys, Admitted());
        Assert.Equal("harmful", _trials.EngineEnded(Wanted, Admitted(), ["a-good", "harmful"], []));
        Assert.Equal(["a-good", "b-good", "down"], Admitted());
        Assert.Contains("is left out", _trials.FaultOf("harmful"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_router_that_does_not_come_up_has_stood_its_trial_after_a_time()
    {
        EndAgainAndAgain("a-good", "down");
        _time.Advance(PeerTrials.QuietTime);
        Assert.True(_trials.Advance(_ => false));
        _time.Advance(PeerTrials.TrialTime - TimeSpan.FromSeconds(1));
        Assert.False(_trials.Advance(_ => false));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(_trials.Advance(_ => false));
        Assert.Equal(Wanted.Keys, Admitted());
    }

    /// <summary>After how many seconds the harmful one ends the engine, who is seen in session at an end, and who is the harmful one.</summary>
    [Theory]
    [InlineData(0, new[] { "a-good", "b-good", "harmful" }, new[] { "harmful" })]
    [InlineData(0, new[] { "a-good" }, new[] { "harmful" })]
    [InlineData(0, new string[0], new[] { "harmful" })]
    [InlineData(0, new[] { "a-good" }, new[] { "down" })]
    [InlineData(0, new[] { "a-good", "b-good", "harmful" }, new[] { "a-good" })]
    [InlineData(0, new[] { "a-good" }, new[] { "down", "harmful" })]
    [InlineData(0, new[] { "a-good", "b-good", "harmful" }, new[] { "b-good", "harmful" })]
    [InlineData(10, new[] { "a-good", "b-good", "harmful" }, new[] { "harmful" })]
    [InlineData(40, new[] { "a-good", "b-good", "harmful" }, new[] { "a-good" })]
    [InlineData(50, new[] { "a-good" }, new[] { "down" })]
    public void Whoever_ends_the_engine_is_left_out_in_the_end_and_nobody_else(int delay, string[] inSession, string[] harmful)
    {
        var connected = Wanted.Keys.ToDictionary(a => a, _ => 0);
        // Second by second, as the engine would see it.
        for (var second = 0; second < 7200; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _trials.Advance(a => a != "down" && connected[a] > 1);
            var given = Admitted();
            foreach (var address in Wanted.Keys) connected[address] = given.Contains(address) ? connected[address] + 1 : 0;
            if (!harmful.Any(h => connected[h] > delay)) continue;
            if (_trials.EngineEnded(Wanted, given, [.. inSession.Where(given.Contains)], []) is { } named) _leftOut.Add(named);
            foreach (var address in Wanted.Keys) connected[address] = 0;
        }
        Assert.Equal(Wanted.Keys.Except(harmful), Admitted());
        Assert.All(harmful, h => Assert.Contains("is left out", _trials.FaultOf(h), StringComparison.Ordinal));
    }

    /// <summary>It stands its own trial, and each time another one is on trial when it ends the engine.</summary>
    [Theory]
    [InlineData(22)]
    [InlineData(30)]
    [InlineData(40)]
    public void One_of_many_that_ends_the_engine_late_is_found_and_no_other_is_left_out_for_long(int delay)
    {
        var wanted = Enumerable.Range(0, 12).Select(i => i == 0 ? "a-harmful" : $"b-good-{i:00}").ToDictionary(n => n, n => Spec.Peer(n, 200));
        var connected = wanted.Keys.ToDictionary(a => a, _ => 0);
        for (var second = 0; second < 7200; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _trials.Advance(a => connected[a] > 1);
            var given = wanted.Keys.Where(_trials.Admits).ToList();
            foreach (var address in wanted.Keys) connected[address] = given.Contains(address) ? connected[address] + 1 : 0;
            if (connected["a-harmful"] <= delay) continue;
            if (_trials.EngineEnded(wanted, given, given, []) is { } named && named != "a-harmful")
                Assert.DoesNotContain($"after {PeerTrials.LeftOutFor.TotalSeconds} s", _trials.FaultOf(named), StringComparison.Ordinal);
            foreach (var address in wanted.Keys) connected[address] = 0;
        }
        Assert.Equal(wanted.Keys.Where(a => a != "a-harmful"), wanted.Keys.Where(_trials.Admits));
        Assert.Contains("is left out", _trials.FaultOf("a-harmful"), StringComparison.Ordinal);
    }

    [Fact]
    public void One_that_is_down_by_its_BgpRouter_is_not_suspected()
    {
        var wanted = new Dictionary<string, BgpPeer>(Wanted) { ["down"] = Wanted["down"] with { AdminDown = true } };
        for (var i = 0; i < Limits.EngineEnds; i++) Assert.Null(_trials.EngineEnded(wanted, Admitted(), [], []));
        Assert.Equal(["down"], Admitted());
    }

    [Fact]
    public void One_that_was_left_out_is_tried_again_alone_after_pauses_that_become_longer()
    {
        LeaveOutHarmful();
        // It was chance, perhaps: the first time the trial comes again soon.
        foreach (var pause in (TimeSpan[])[PeerTrials.LeftOutAtFirst, PeerTrials.LeftOutAtFirst, PeerTrials.LeftOutFor, PeerTrials.LeftOutFor * 2, PeerTrials.LeftOutFor * 4, PeerTrials.LeftOutFor * 8,
                     PeerTrials.LongestLeftOut, PeerTrials.LongestLeftOut])
        {
            Assert.Contains($"after {pause.TotalSeconds} s", _trials.FaultOf("harmful"), StringComparison.Ordinal);
            _time.Advance(pause - TimeSpan.FromSeconds(1));
            Assert.False(_trials.Advance(_ => false));
            _time.Advance(TimeSpan.FromSeconds(1));
            Assert.True(_trials.Advance(_ => false));
            Assert.Equal(Wanted.Keys, Admitted());
            Assert.Equal("harmful", _trials.EngineEnded(Wanted, Admitted(), ["a-good"], []));
        }
    }

    [Fact]
    public void One_that_was_left_out_and_is_changed_or_taken_out_starts_anew()
    {
        LeaveOutHarmful();
        _time.Advance(PeerTrials.QuietTime);
        _trials.Retain(Wanted);
        Assert.False(_trials.Advance(_ => false));
        var changed = new Dictionary<string, BgpPeer>(Wanted) { ["harmful"] = Wanted["harmful"] with { AuthKey = "secret" } };
        _trials.Retain(changed);
        Assert.DoesNotContain("harmful", Admitted());
        Assert.True(_trials.Advance(_ => false));
        Assert.Contains("harmful", Admitted());
        Assert.Equal("harmful", _trials.EngineEnded(changed, Admitted(), [], []));
        Assert.Contains($"after {PeerTrials.LeftOutAtFirst.TotalSeconds} s", _trials.FaultOf("harmful"), StringComparison.Ordinal);

        _trials.Retain(changed.Where(p => p.Key != "harmful").ToDictionary());
        _trials.Retain(changed);
        Assert.Null(_trials.FaultOf("harmful"));
    }

    [Fact]
    public void An_engine_that_ends_before_it_has_the_router_on_trial_tells_nothing_about_it()
    {
        EndAgainAndAgain("harmful");
        _time.Advance(PeerTrials.QuietTime);
        Assert.True(_trials.Advance(_ => false));
        Assert.Null(_trials.EngineEnded(Wanted, [], [], []));
        Assert.Contains("waits for its turn", _trials.FaultOf("harmful"), StringComparison.Ordinal);
    }

    [Fact]
    public void Those_that_were_in_session_for_long_are_connected_before_the_others()
    {
        Assert.Null(_trials.EngineEnded(Wanted, Wanted.Keys, ["a-good", "harmful"], ["a-good"]));
        Assert.Equal(["a-good"], Admitted());
        Assert.False(_trials.Advance(_ => false));
        Assert.True(_trials.Advance(a => a == "a-good"));
        Assert.Equal(Wanted.Keys, Admitted());

        // Its next session was short, because the engine has ended again. The others do not wait for ever.
        Assert.Null(_trials.EngineEnded(Wanted, Admitted(), ["a-good", "harmful"], []));
        Assert.Equal(["a-good"], Admitted());
        _time.Advance(PeerTrials.ProvenFirst);
        Assert.True(_trials.Advance(_ => false));
        Assert.Equal(Wanted.Keys, Admitted());

        // Nobody waits for a router that is not wanted any more.
        _time.Advance(PeerTrials.Window);
        Assert.Null(_trials.EngineEnded(Wanted, Admitted(), ["a-good"], ["a-good"]));
        _trials.Retain(Wanted.Where(p => p.Key != "a-good").ToDictionary());
        Assert.True(_trials.Advance(_ => false));
    }

    private void LeaveOutHarmful()
    {
        EndAgainAndAgain("harmful");
        _time.Advance(PeerTrials.QuietTime);
        Assert.True(_trials.Advance(_ => false));
        Assert.Equal("harmful", _trials.EngineEnded(Wanted, Admitted(), [], []));
    }

    private void EndAgainAndAgain(params string[] inSession)
    {
        for (var i = 0; i < Limits.EngineEnds; i++) Assert.Null(_trials.EngineEnded(Wanted, Admitted(), inSession, []));
    }

    private string[] Admitted() => [.. Wanted.Keys.Where(_trials.Admits)];
}
