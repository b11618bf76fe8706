using CN2.VRouter.Inspection;
using Microsoft.Extensions.Time.Testing;

namespace CN2.VRouter.Tests.Inspection;

public sealed class ConntrackPressureTests
{
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData("100", "262144", null)]
    [InlineData("235000", "262144", null)]
    [InlineData("236000", "262144", NodeFaultReason.ConntrackNearlyFull)]
    [InlineData("262144", "262144", NodeFaultReason.ConntrackFull)]
    [InlineData("5", "0", null)] // no limit
    [InlineData(null, null, null)] // the kernel has no table yet
    public void The_table_is_judged_by_how_full_it_is(string? count, string? maximum, string? reason)
    {
        var fault = new ConntrackPressure(_time).Faults(count, maximum, []).SingleOrDefault();
        Assert.Equal(reason, fault?.Reason);
        if (fault is not null) Assert.Equal(reason == NodeFaultReason.ConntrackFull, fault.Stops);
    }

    [Fact]
    public void A_table_that_dropped_a_moment_ago_is_full_for_a_while()
    {
        var pressure = new ConntrackPressure(_time);
        Assert.DoesNotContain(pressure.Faults("900", "1000", Statistics(drop: 0x10)), f => f.Stops); // the count of before the start
        Assert.True(Assert.Single(pressure.Faults("900", "1000", Statistics(drop: 0x11))).Stops);
        _time.Advance(ConntrackPressure.Remembered);
        Assert.Empty(pressure.Faults("800", "1000", Statistics(drop: 0x11)));
    }

    [Fact]
    public void A_drop_of_a_table_with_room_is_no_overflow()
    {
        // Two packets that begin one flow at the same time: the kernel counts one of them as dropped.
        var pressure = new ConntrackPressure(_time);
        Assert.Empty(pressure.Faults("10", "1000", Statistics(drop: 1)));
        Assert.Empty(pressure.Faults("10", "1000", Statistics(drop: 2)));
    }

    private static string[] Statistics(int drop) =>
        ["entries  clashres found new invalid insert_failed drop early_drop icmp_error", $"00000000  00000000 00000000 00000000 00000000 00000000 {drop:x8} 00000000 00000000", "00000000  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000"];
}
