using System.Net;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Nft;

namespace CN2.VRouter.Tests.Nft;

public sealed class FlowOwnersTests
{
    private static readonly IPAddress Address = IPAddress.Parse("10.1.1.2");

    private readonly FlowOwners _owners = new();

    [Fact]
    public void Hand_overs_from_before_that_another_control_node_remembers_end_no_flow()
    {
        Assert.Empty(Whole(new DataplaneConfig()));
        var first = Held();
        Assert.Empty(Whole(first));
        Assert.Empty(Whole(first));
        Assert.Equal([Address], Whole(Held())); // it was handed over while the agent was away from that control node
    }

    [Fact]
    public void A_hand_over_that_the_agent_is_told_of_ends_flows()
    {
        Assert.Empty(Whole(new DataplaneConfig()));
        var change = new DataplaneChange();
        change.EndpointHolders.Add(Address);
        var ending = new EndingFlows();
        _owners.Update(Held(), change, ending);
        Assert.Equal([Address], ending.Reassigned);
    }

    private static DataplaneConfig Held()
    {
        var config = new DataplaneConfig();
        config.EndpointHolders[Address] = Guid.NewGuid();
        return config;
    }

    private HashSet<IPAddress> Whole(DataplaneConfig config)
    {
        var ending = new EndingFlows();
        _owners.Update(config, null, ending);
        return ending.Reassigned;
    }
}
