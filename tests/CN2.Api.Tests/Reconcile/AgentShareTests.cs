using CN2.Api.Reconcile;

namespace CN2.Api.Tests.Reconcile;

/// <summary>How many agents a control node is to have, and when it has too many.</summary>
public sealed class AgentShareTests
{
    [Theory]
    [InlineData(1200, 3, 400)]
    [InlineData(1201, 3, 401)]
    [InlineData(1, 3, 1)]
    [InlineData(0, 1, 0)]
    public void The_share_is_the_same_for_each_and_together_they_have_all(int agents, int controlNodes, int share) => Assert.Equal(share, AgentShare.Of(agents, controlNodes));

    [Theory]
    [InlineData(501, 400, true)]
    [InlineData(500, 400, false)] // not more than a quarter above it
    [InlineData(40, 20, true)]
    [InlineData(39, 20, false)] // fewer than 20 above it
    [InlineData(20, 0, true)]
    [InlineData(400, 400, false)]
    public void It_is_clearly_exceeded_by_a_quarter_and_by_twenty(int here, int share, bool exceeded) => Assert.Equal(exceeded, AgentShare.IsClearlyExceeded(here, share));

    [Theory]
    [InlineData(1000, 500, 20)]
    [InlineData(505, 500, 5)]
    [InlineData(40, 20, 1)]
    [InlineData(500, 500, 0)]
    [InlineData(300, 500, 0)]
    public void In_a_second_a_fiftieth_of_the_agents_goes_or_one_and_never_more_than_the_excess(int here, int share, int excess) =>
        Assert.Equal(excess, AgentShare.ExcessOfSecond(here, share));
}
