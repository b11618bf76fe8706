using CN2.Api.Data;
using CN2.Api.Kubernetes.Versions;

namespace CN2.Api.Tests.Kubernetes.Versions;

/// <summary>Which transaction a list's version names, and what a watch from it takes as seen.</summary>
public sealed class VersionMomentTests
{
    private static readonly DateTimeOffset Epoch = new(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("20:20:", null, 19)]
    [InlineData("15:20:15,18", null, 14)]
    [InlineData("5:20:5,18", "5:10:5", 17)] // 5 was open when the snapshot was kept
    [InlineData("5:20:5", "5:10:5", 19)]
    [InlineData("5:20:5,10", "5:10:5", 4)] // 9 would be no later than the kept snapshot
    [InlineData("10:10:", "10:10:", 9)]
    public void A_list_has_the_version_before_the_oldest_transaction_that_began_after_the_kept_snapshot(string seen, string? kept, ulong version) =>
        Assert.Equal(ResourceVersion.OfList(Epoch, version), new VersionMoment(Epoch, FeedSnapshot.Parse(seen), kept is null ? null : FeedSnapshot.Parse(kept)).Version);

    [Fact]
    public void Who_has_seen_a_list_has_not_seen_what_was_open_when_the_snapshot_was_kept() =>
        Assert.Equal("5:18:5", VersionMoment.SeenByList(ResourceVersion.OfList(Epoch, 17), FeedSnapshot.Parse("5:10:5")).ToString());

    [Theory]
    [InlineData(15, "5:10:5", "15:15:")]
    [InlineData(5, "5:10:5,8", "5:10:5,8")]
    [InlineData(7, "5:10:5,8", "8:10:8")]
    [InlineData(7, null, "7:7:")]
    public void Who_has_seen_an_object_has_seen_what_either_sees(ulong horizon, string? kept, string seen) =>
        Assert.Equal(seen, VersionMoment.SeenByObject(horizon, kept is null ? null : FeedSnapshot.Parse(kept)).ToString());
}
