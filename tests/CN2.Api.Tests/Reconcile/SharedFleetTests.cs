using CN2.Api.Drivers;
using CN2.Api.Tests.Drivers;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Two replicas share the agents of many nodes.</summary>
public sealed class SharedFleetTests(PrivatePostgres postgres)
{
    private const int Nodes = 40;
    private const string Address = "100.0.0.2";

    [Fact]
    public async Task Agents_spread_over_both_replicas_and_are_whole_at_one_when_the_other_is_killed_and_no_route_goes()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        var a = plane.Api;
        var nodes = Enumerable.Range(1, Nodes).Select(i => new FakeNode($"node{i}", $"172.28.0.{i}") { OtherServers = new VRouterOtherServers(Preferred: false, TimeSpan.Zero) }).ToList();
        foreach (var node in nodes) node.ConnectTo(a.Agents);
        string[] serving = ["node1", "node2", "node39", "compute1"];
        foreach (var (i, node) in serving.Index()) await plane.EndpointAsync($"pod{i}", node, $"10.0.0.{i + 1}");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        await ControlPlane.UntilAsync(() => ControlPlane.HopsOf(a, Address).Count == serving.Length);
        await UntilConnectedAsync("cn-a 42");

        // The other replica comes later. Agents that are sent on go there.
        var b = await plane.AddAsync("cn-b", new FakeBgpEngine());
        (a.Agents.Next, b.Agents.Next) = (b.Agents, a.Agents);
        await b.EstablishAsync("vmx1");
        await UntilConnectedAsync("cn-a 21, cn-b 21");
        await plane.ServiceAsync("next");
        await plane.UntilReadyAsync("next");
        Assert.Equal(21, a.Agents.SentOn.Distinct().Count());
        AssertNothingWithdrawn(a);
        AssertNothingWithdrawn(b);

        // It is killed, and its agents notice that at once.
        var stopping = plane.StopAsync(b);
        foreach (var node in nodes.Where(n => a.Agents.SentOn.Contains(n.Name))) node.ConnectTo(a.Agents);
        await stopping;
        await UntilConnectedAsync("cn-a 42");
        await plane.ServiceAsync("last");
        await plane.UntilReadyAsync("last");
        Assert.All(nodes, n => Assert.True(n.Carries("100.0.0.4") || !serving.Contains(n.Name)));
        await Eventually.TrueAsync(async () => !(bool)(await a.GetAsync("/v1/control-nodes/cn-b")).Expect(200).Json!["status"]!["alive"]!, "it counts as gone", 30);
        await plane.LetAChangePassAsync(a);
        AssertNothingWithdrawn(a);
        Assert.Equal("", await plane.QueryAsync<string>("SELECT coalesce(string_agg(concat_ws(' ', at, name, reason), '; ' ORDER BY at), '') FROM event WHERE reason IN ('Lost', 'MassLoss')"));
        Assert.Equal((21, 0), (a.Agents.SentOn.Count, b.Agents.SentOn.Count));

        Task UntilConnectedAsync(string expected) => Eventually.TrueAsync(
            async () => await plane.QueryAsync<string>(
                "SELECT string_agg(control_node || ' ' || n, ', ' ORDER BY control_node) FROM (SELECT control_node, count(*) AS n FROM virtual_router_status WHERE connected GROUP BY control_node) c") == expected,
            expected, seconds: 120);
    }

    private static void AssertNothingWithdrawn(Replica replica) => Assert.DoesNotContain(replica.Speaker.Journal, j => j.StartsWith('-'));
}
