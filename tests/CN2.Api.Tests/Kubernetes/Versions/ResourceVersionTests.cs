using CN2.Api.Kubernetes.Versions;

namespace CN2.Api.Tests.Kubernetes.Versions;

/// <summary>A version is a number that grows with the transactions, and over every change of the database's life.</summary>
public sealed class ResourceVersionTests
{
    private static readonly DateTimeOffset Epoch = new(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_version_of_a_later_epoch_is_greater_although_transactions_went_back()
    {
        var before = ResourceVersion.Of(Epoch, 4_000_000_000);
        var after = ResourceVersion.Of(Epoch.AddMinutes(15), 7);
        Assert.True(after.CompareTo(before) > 0);
        Assert.True(before.IsOf(Epoch));
        Assert.False(before.IsOf(Epoch.AddMinutes(15)));
        Assert.Equal((4_000_000_000UL, 7UL), (before.Transaction, after.Transaction));
    }

    [Fact]
    public void A_list_is_newer_than_every_object_that_it_shows_and_older_than_the_next_change()
    {
        ResourceVersion[] growing =
        [
            ResourceVersion.Of(Epoch, 5), ResourceVersion.Of(Epoch, 5, late: 1), ResourceVersion.Of(Epoch, 5, late: 2), ResourceVersion.OfList(Epoch, 5), ResourceVersion.Of(Epoch, 6),
        ];
        Assert.Equal(growing, growing.Order());
        Assert.Equal(growing.Length, growing.Distinct().Count());
        Assert.Equal([false, false, false, true, false], growing.Select(v => v.IsList));
        Assert.Equal([5UL, 5UL, 5UL, 5UL, 6UL], growing.Select(v => v.Transaction));
    }

    [Fact]
    public void Text_goes_there_and_back()
    {
        var version = ResourceVersion.Of(Epoch, 123_456);
        Assert.True(ResourceVersion.TryParse(version.ToString(), out var read));
        Assert.Equal(version, read);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("-1")]
    [InlineData(" 1")]
    [InlineData("9223372036854775808")]
    public void What_is_no_version_is_not_read(string? text) => Assert.False(ResourceVersion.TryParse(text, out _));

    [Fact]
    public void The_greatest_is_a_number_of_63_bits() =>
        Assert.True(ResourceVersion.Of(new DateTimeOffset(2080, 1, 1, 0, 0, 0, TimeSpan.Zero), ulong.MaxValue).Value > 0);
}
