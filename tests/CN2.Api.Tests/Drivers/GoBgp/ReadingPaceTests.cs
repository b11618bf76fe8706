using CN2.Api.Drivers.GoBgp;
using Microsoft.Extensions.Time.Testing;

namespace CN2.Api.Tests.Drivers.GoBgp;

public sealed class ReadingPaceTests
{
    [Fact]
    public void A_peer_whose_routes_took_long_to_read_waits_for_ten_times_as_long_and_nobody_else_does()
    {
        var time = new FakeTimeProvider();
        var pace = new ReadingPace(time);
        Assert.True(pace.IsDue("large"));
        var began = time.GetTimestamp();
        time.Advance(TimeSpan.FromSeconds(3));
        pace.Note("large", began);
        Assert.False(pace.IsDue("large"));
        Assert.True(pace.IsDue("other"));
        time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(pace.IsDue("large"));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(pace.IsDue("large"));
    }
}
