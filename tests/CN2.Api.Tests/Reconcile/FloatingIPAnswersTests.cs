using CN2.Api.Tests.Fixtures;
using CN2.Network.Sequencing;

namespace CN2.Api.Tests.Reconcile;

/// <summary>What nodes are told about callers inside, ping and ports without a mapping (docs/contract.md §5).</summary>
public sealed class FloatingIPAnswersTests(PrivatePostgres postgres)
{
    private const string Address = "100.0.0.2";
    private const string Network = "/v1/namespaces/default/external-networks/";

    [Fact]
    public async Task A_node_without_an_endpoint_serves_callers_inside_and_has_neither_a_route_nor_an_answer()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        await ControlPlane.UntilAsync(() => Of(plane.Compute2) is { Inside.Count: 1, Carries: false, RefusesOthers: false, AnswersPing: false });
        Assert.True(Of(plane.Compute1) is { Inside.Count: 0, Carries: true, RefusesOthers: true, AnswersPing: true });
        Assert.Equal(["172.27.115.242"], plane.HopsOf(Address));

        // With an endpoint there, it has a route; the other node keeps the entries of the route for a moment, then serves callers inside.
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await plane.UntilHopsAsync(Address, "172.27.115.242", "172.27.115.243");
        Assert.True(Of(plane.Compute2) is { Inside.Count: 0, Carries: true, RefusesOthers: true });
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1", ""","ready":false""");
        await plane.UntilHopsAsync(Address, "172.27.115.243");
        await ControlPlane.UntilAsync(() => Of(plane.Compute1) is { Inside.Count: 1, Draining.Count: 1, Carries: false, RefusesOthers: false });
    }

    [Fact]
    public async Task A_network_that_answers_no_ping_says_so_to_the_nodes_at_once()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        var network = (string)(await plane.FloatingIPAsync(Address))!["externalNetwork"]!;
        foreach (var answers in (bool[])[false, true])
        {
            (await plane.Api.PatchAsync(Network + network.Split('/')[1], $$"""{"answerPing":{{(answers ? "true" : "false")}}}""")).Expect(200);
            await ControlPlane.UntilAsync(() => Of(plane.Compute1) is { RefusesOthers: true } entry && entry.AnswersPing == answers);
        }

        Assert.Equal(["172.27.115.242"], plane.HopsOf(Address));
    }

    private static VirtualRouterNatEntry? Of(FakeNode node) => node.Entries(Address).SingleOrDefault();
}
