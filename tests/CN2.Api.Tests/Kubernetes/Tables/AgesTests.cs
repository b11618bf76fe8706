using System.Text.Json.Nodes;
using CN2.Api.Kubernetes.Tables;

namespace CN2.Api.Tests.Kubernetes.Tables;

public sealed class AgesTests
{
    [Theory]
    [InlineData(-2, "<invalid>")]
    [InlineData(-1, "0s")]
    [InlineData(0, "0s")]
    [InlineData(119, "119s")]
    [InlineData(120, "2m")]
    [InlineData(321, "5m21s")]
    [InlineData(600, "10m")]
    [InlineData(10_799, "179m")]
    [InlineData(10_800, "3h")]
    [InlineData(13_260, "3h41m")]
    [InlineData(28_800, "8h")]
    [InlineData(172_799, "47h")]
    [InlineData(172_800, "2d")]
    [InlineData(270_000, "3d3h")]
    [InlineData(691_200, "8d")]
    [InlineData(63_071_999, "729d")]
    [InlineData(63_072_000, "2y")]
    [InlineData(63_158_400, "2y1d")]
    [InlineData(252_288_000, "8y")]
    public void An_age_has_two_units_at_most(long seconds, string words) => Assert.Equal(words, Ages.Words(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{"metadata":{"creationTimestamp":null}}""")]
    [InlineData("""{"metadata":{"creationTimestamp":"yesterday"}}""")]
    [InlineData("""{"metadata":7}""")]
    public void An_object_without_a_time_of_creation_has_no_age(string json) =>
        Assert.Equal("<unknown>", Ages.Of(JsonNode.Parse(json)!.AsObject(), new(DateTimeOffset.UnixEpoch, "cluster1")));
}
