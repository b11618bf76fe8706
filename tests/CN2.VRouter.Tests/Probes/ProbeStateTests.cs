using CN2.Network.Resources;
using CN2.VRouter.Probes;

namespace CN2.VRouter.Tests.Probes;

public sealed class ProbeStateTests
{
    // Results (+ success, - failure) to the health after each: Unknown, Healthy, Unhealthy.
    [Theory]
    [InlineData("unknown", 3, "+", "H")]
    [InlineData("unknown", 3, "--", "??")]
    [InlineData("unknown", 3, "---+", "??UH")]
    [InlineData("unknown", 1, "-+-", "UHU")]
    [InlineData("healthy", 3, "--+--+---", "HHHHHHHHU")]
    [InlineData("healthy", 3, "-----+", "HHUUUH")]
    [InlineData("unhealthy", 3, "-+--", "UHHH")]
    public void An_endpoint_is_down_after_max_retries_consecutive_failures_and_up_after_one_success(string start, int maxRetries, string results, string expected)
    {
        var state = new ProbeState(Enum.Parse<EndpointHealth>(start, ignoreCase: true), maxRetries);
        var healths = "";
        foreach (var result in results)
        {
            var before = state.Health;
            Assert.Equal(state.Take(result == '+'), before != state.Health);
            healths += state.Health switch { EndpointHealth.Healthy => 'H', EndpointHealth.Unhealthy => 'U', _ => '?' };
        }

        Assert.Equal(expected, healths);
    }
}
