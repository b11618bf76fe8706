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
    [InlineData(501, 400, 2, true)]
    [InlineData(500, 400, 2, false)] // not more than a quarter above it
    [InlineData(434, 400, 6, true)]
    [InlineData(433, 400, 6, false)] // not more than a twelfth above it
    [InlineData(15, 10, 2, true)]
    [InlineData(14, 10, 2, false)] // fewer than 5 above it
    [InlineData(5, 0, 2, true)]
    [InlineData(400, 400, 2, false)]
    public void It_is_clearly_exceeded_by_the_half_of_a_share_divided_by_all_and_by_five(int here, int share, int controlNodes, bool exceeded) =>
        Assert.Equal(exceeded, AgentShare.Default.IsClearlyExceeded(here, share, controlNodes));

    [Fact]
    public void It_is_exceeded_when_one_control_node_has_no_agents_yet_and_the_others_have_as_many_each_and_not_when_all_have_as_many()
    {
        for (var controlNodes = 2; controlNodes <= 10; controlNodes++)
        {
            var share = AgentShare.Of(1000, controlNodes);
            Assert.True(AgentShare.Default.IsClearlyExceeded(1000 / (controlNodes - 1), share, controlNodes), $"{controlNodes}");
            Assert.False(AgentShare.Default.IsClearlyExceeded(share, share, controlNodes), $"{controlNodes}");
        }
    }

    [Fact]
    public void Of_five_agents_or_fewer_none_moves()
    {
        for (var agents = 1; agents <= 5; agents++)
        {
            for (var controlNodes = 2; controlNodes <= 10; controlNodes++)
                Assert.False(AgentShare.Default.IsClearlyExceeded(agents, AgentShare.Of(agents, controlNodes), controlNodes), $"{agents} {controlNodes}");
        }
    }

    [Theory]
    [InlineData(1000, 500, 20)]
    [InlineData(505, 500, 5)]
    [InlineData(40, 20, 1)]
    [InlineData(500, 500, 0)]
    [InlineData(300, 500, 0)]
    public void In_a_second_a_fiftieth_of_the_agents_goes_or_one_and_never_more_than_the_excess(int here, int share, int excess) =>
        Assert.Equal(excess, AgentShare.ExcessOfSecond(here, share));
}
