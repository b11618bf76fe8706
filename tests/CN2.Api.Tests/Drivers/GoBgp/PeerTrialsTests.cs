using CN2.Api.Drivers.GoBgp;
using CN2.Network.Resources;
using Microsoft.Extensions.Time.Testing;

namespace CN2.Api.Tests.Drivers.GoBgp;

/// <summary>Which router ends the engine: those in session are not suspected, the others are tried one after another.</summary>
public sealed class PeerTrialsTests
{
    private static readonly string[] Wanted = ["good", "harmful", "late", "other"];

    private readonly FakeTimeProvider _time = new();
    private readonly PeerTrials _trials;

    public PeerTrialsTests() => _trials = new(_time);

    [Fact]
    public void An_engine_that_ends_now_and_then_leaves_nobody_out()
    {
        for (var i = 0; i < 20; i++)
        {
            Assert.Null(_trials.EngineEnded(Wanted, []));
            _time.Advance(PeerTrials.Window / (Limits.EngineEnds - 1) + TimeSpan.FromSeconds(1));
            Assert.Equal(Wanted, Admitted());
        }
    }

    [Fact]
    public void The_one_during_whose_trial_the_engine_ends_is_left_out_and_the_others_are_admitted()
    {
        EndAgainAndAgain();
        Assert.Equal(["good"], Admitted());
        Assert.Contains("this one waits", _trials.FaultOf("late"), StringComparison.Ordinal);
        Assert.True(_trials.Advance(_ => false));
        Assert.Equal(["good", "harmful"], Admitted());
        Assert.False(_trials.Advance(_ => false));
        Assert.Equal("harmful", _trials.EngineEnded(Wanted, ["good"]));
        Assert.Equal(["good"], Admitted());
        Assert.Contains("no BGP", _trials.FaultOf("harmful"), StringComparison.Ordinal);

        // The next one stands its trial by coming into session, the last one by the time.
        Assert.True(_trials.Advance(_ => false));
        Assert.True(_trials.Advance(a => a == "late"));
        Assert.Equal(["good", "late", "other"], Admitted());
        _time.Advance(PeerTrials.TrialTime);
        Assert.False(_trials.Advance(_ => false));
        // An end that comes later is not its fault.
        Assert.Null(_trials.EngineEnded(Wanted, ["good", "late"]));
        Assert.Equal(["good", "late", "other"], Admitted());
    }

    [Fact]
    public void One_that_was_left_out_is_tried_again_alone_and_costs_one_end_of_the_engine()
    {
        EndAgainAndAgain();
        _trials.Advance(_ => false);
        _trials.EngineEnded(Wanted, ["good"]);
        while (Admitted().Length < Wanted.Length - 1)
        {
            _trials.Advance(_ => false);
            _time.Advance(PeerTrials.TrialTime);
        }
        // It was chance, perhaps: the first time the trial comes again soon.
        _time.Advance(PeerTrials.LeftOutAtFirst);
        foreach (var pause in (TimeSpan[])[PeerTrials.LeftOutFor, PeerTrials.LeftOutFor])
        {
            Assert.True(_trials.Advance(_ => false));
            Assert.Equal(Wanted, Admitted());
            Assert.Equal("harmful", _trials.EngineEnded(Wanted, ["good"]));
            Assert.Equal(["good", "late", "other"], Admitted());
            _time.Advance(pause - TimeSpan.FromSeconds(1));
            Assert.False(_trials.Advance(_ => false));
            _time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    [Fact]
    public void A_router_on_trial_that_is_in_session_when_the_engine_ends_is_not_blamed()
    {
        EndAgainAndAgain();
        _trials.Advance(_ => false);
        Assert.Null(_trials.EngineEnded(Wanted, ["good", "harmful"]));
        Assert.Null(_trials.FaultOf("harmful"));
    }

    [Fact]
    public void A_router_that_was_taken_out_starts_anew()
    {
        EndAgainAndAgain();
        _trials.Advance(_ => false);
        _trials.EngineEnded(Wanted, ["good"]);
        _trials.Retain(["good", "late"]);
        _trials.Retain(Wanted);
        Assert.Equal(["good", "harmful", "other"], Admitted());
    }

    /// <summary>At the first end the good one is in session, and then nobody is any more.</summary>
    private void EndAgainAndAgain()
    {
        for (var i = 0; i < Limits.EngineEnds; i++) Assert.Null(_trials.EngineEnded(Wanted, i == 0 ? ["good"] : []));
    }

    private string[] Admitted() => [.. Wanted.Where(_trials.Admits)];
}
