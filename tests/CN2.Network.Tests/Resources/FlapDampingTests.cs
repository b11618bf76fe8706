using CN2.Network.Resources;

namespace CN2.Network.Tests.Resources;

/// <summary>How long an endpoint that goes up and down must stay up before it counts, on fake time.</summary>
public sealed class FlapDampingTests
{
    private FlapDamping _damping;
    private EndpointHealth _health;
    private DateTimeOffset _now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_first_times_are_free_then_each_is_twice_as_long_up_to_a_limit()
    {
        double[] held = [0, 0, 0, 0, 5, 10, 20, 40, 80, 160, 300, 300, 300];
        Assert.Equal(held, held.Select((_, i) => UpAfter(i == 0 ? 0 : 10)));
    }

    [Fact]
    public void An_endpoint_that_flaps_for_ever_is_held_back_no_longer_than_the_limit()
    {
        for (var i = 0; i < 1000; i++) UpAfter(10);
        Assert.Equal(FlapDamping.LongestHold.TotalSeconds, UpAfter(10));
        _damping = _damping with { Downs = int.MaxValue };
        Assert.Equal(FlapDamping.LongestHold.TotalSeconds, UpAfter(10));
    }

    [Fact]
    public void Going_down_ends_the_hold_and_counts_although_it_was_held_back()
    {
        for (var i = 0; i < 5; i++) UpAfter(10);
        Assert.NotNull(_damping.HeldUntil);
        Down();
        Assert.Null(_damping.HeldUntil);
        Assert.Equal(10, UpAfter(0));
    }

    [Fact]
    public void It_is_free_again_when_it_has_not_gone_down_for_a_while()
    {
        for (var i = 0; i < 10; i++) UpAfter(10);
        _now += FlapDamping.Memory;
        Assert.Equal(0, UpAfter(1));
        Assert.Equal(1, _damping.Downs);
    }

    [Fact]
    public void A_long_outage_is_no_flapping()
    {
        for (var i = 0; i < 10; i++) UpAfter(10);
        Assert.Equal(0, UpAfter(FlapDamping.Memory.TotalSeconds));
    }

    [Fact]
    public void An_endpoint_that_goes_down_as_soon_as_its_longest_hold_is_over_is_not_free()
    {
        for (var i = 0; i < 12; i++) UpAfter(10);
        for (var i = 0; i < 5; i++)
        {
            _now += FlapDamping.LongestHold + TimeSpan.FromMinutes(1);
            Assert.Equal(FlapDamping.LongestHold.TotalSeconds, UpAfter(10));
        }
    }

    [Fact]
    public void A_new_endpoint_that_has_never_been_up_does_not_go_down()
    {
        Down();
        Assert.Equal(default, _damping);
        Up();
        Down();
        Assert.Equal(1, _damping.Downs);
    }

    private double UpAfter(double secondsDown)
    {
        if (_health == EndpointHealth.Healthy) Down();
        _now += TimeSpan.FromSeconds(secondsDown);
        return Up();
    }

    private void Down()
    {
        _damping = _damping.After(_health, EndpointHealth.Unhealthy, _now);
        _health = EndpointHealth.Unhealthy;
    }

    /// <summary>How many seconds it is held back.</summary>
    private double Up()
    {
        _damping = _damping.After(_health, EndpointHealth.Healthy, _now);
        _health = EndpointHealth.Healthy;
        return _damping.HeldUntil is { } until ? (until - _now).TotalSeconds : 0;
    }
}
