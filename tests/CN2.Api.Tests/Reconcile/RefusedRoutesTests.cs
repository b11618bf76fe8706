using CN2.Api.Reconcile;

namespace CN2.Api.Tests.Reconcile;

public sealed class RefusedRoutesTests
{
    private readonly RefusedRoutes _refused = new();

    [Fact]
    public void A_route_is_refused_until_it_is_announced_or_withdrawn()
    {
        _refused.Add([new(Sample.Route(1), "No."), new(Sample.Route(1, "compute2"), "Never."), new(Sample.Route(2), "No.")]);
        _refused.Remove([Sample.Route(1)]);
        Assert.Null(_refused.ReasonOf(Sample.Route(1)));
        Assert.Equal("Never.", _refused.ReasonOf(Sample.Route(1, "compute2")));
        _refused.Forget(Sample.Uid(1));
        Assert.Null(_refused.ReasonOf(Sample.Route(1, "compute2")));
        Assert.Equal("No.", _refused.ReasonOf(Sample.Route(2)));
    }

    [Fact]
    public void The_reason_is_for_the_refused_version_of_the_route_only()
    {
        _refused.Add([new(Sample.Route(1), "No.")]);
        var changed = Sample.Route(1) with { Network = Sample.Network with { Advertisement = Sample.Network.Advertisement with { Med = 7 } } };
        Assert.Null(_refused.ReasonOf(changed));
        _refused.Add([new(changed, "Neither.")]);
        Assert.Equal("Neither.", _refused.ReasonOf(changed));
        Assert.Null(_refused.ReasonOf(Sample.Route(1)));
    }
}
