using CN2.Api.Drivers;
using CN2.Api.Tests.Drivers;
using CN2.Api.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Which agent a VirtualRouter is, and what happens to another one that says to be it.</summary>
public sealed class AgentIdentityTests(PrivatePostgres postgres)
{
    private const string Address = "100.0.0.2";
    private const string Hop1 = "172.27.115.242";
    private const string Hop2 = "172.27.115.243";
    private const string Compute1 = "/v1/virtual-routers/compute1";

    [Fact]
    public async Task The_next_hop_follows_an_agent_that_comes_back_with_another_address()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilHopsAsync(Address, Hop1);
        var generation = (long)(await plane.Api.GetAsync(Compute1)).Json!["generation"]!;
        plane.Compute1.Address = "172.27.115.99";
        plane.Compute1.ConnectTo(plane.Api.Agents);
        await plane.UntilHopsAsync(Address, "172.27.115.99");
        var journal = plane.Api.Speaker.Journal.ToList();
        Assert.True(journal.IndexOf($"+{Address} via 172.27.115.99") < journal.IndexOf($"-{Address} via {Hop1}"), string.Join(", ", journal)); // make before break
        var router = (await plane.Api.GetAsync(Compute1)).Json!;
        Assert.Equal(("172.27.115.99", generation + 1), ((string?)router["address"], (long)router["generation"]!));
        var events = (await plane.Api.GetAsync("/v1/events?regarding=virtual-routers/compute1")).Text;
        Assert.Contains("AddressChanged", events, StringComparison.Ordinal);
        await plane.UntilReadyAsync("web");
    }

    [Fact]
    public async Task An_agent_with_another_nodes_address_is_sent_away_and_a_dead_third_one_is_lost_all_the_same()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await plane.ServiceAsync("web");
        await plane.UntilHopsAsync(Address, Hop1, Hop2);
        var thief = new FakeNode("compute9", Hop1) { Source = "10.9.9.9" };
        thief.ConnectTo(plane.Api.Agents); // past the admission, as when the database was away
        await ControlPlane.UntilAsync(() => plane.Api.Agents.SentAway.ContainsKey("compute9"));
        Assert.Contains("is in use by another VirtualRouter", plane.Api.Agents.SentAway["compute9"], StringComparison.Ordinal);
        await plane.UntilConditionAsync(Compute1, "AddressTaken", "True/AddressTaken");
        Assert.Contains("10.9.9.9", (string?)Reply.Condition((await plane.Api.GetAsync(Compute1)).Json, "AddressTaken")!["message"], StringComparison.Ordinal);
        Assert.Equal(404, (await plane.Api.GetAsync("/v1/virtual-routers/compute9")).Status);

        plane.Compute2.Disconnect();
        await plane.UntilHopsAsync(Address, Hop1);
        // It tries no longer.
        await plane.QueryAsync<long>("WITH i AS (UPDATE virtual_router_intruder SET last_at = last_at - interval '1 minute' RETURNING 1) SELECT count(*) FROM i");
        await Eventually.TrueAsync(async () => ControlPlane.ConditionOf((await plane.Api.GetAsync(Compute1)).Json, "AddressTaken").Length == 0, seconds: 30);
    }

    [Fact]
    public async Task A_second_agent_of_a_name_at_another_replica_is_refused_and_the_first_notices_nothing()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        var a = plane.Api;
        (plane.Compute1.Instance, plane.Compute1.Source) = ("aa", "10.0.0.1");
        plane.Compute1.ConnectTo(a.Agents);
        await UntilKnownAsync(plane, "aa");
        var b = await plane.AddAsync("cn-b", new FakeBgpEngine());
        var admission = b.Services.GetRequiredService<IVRouterAdmission>();
        var second = new FakeNode("compute1", "172.27.115.7") { Instance = "bb", Source = "10.0.0.2" };
        var refusal = await admission.RefusalAsync(second.Hello, null, TestContext.Current.CancellationToken);
        Assert.Contains("in use by the agent at 10.0.0.1, which is connected to control node cn-a", refusal?.Answer, StringComparison.Ordinal);
        await plane.UntilConditionAsync(Compute1, "DuplicateAgent", "True/DuplicateAgent");
        Assert.Contains("10.0.0.2", (string?)Reply.Condition((await a.GetAsync(Compute1)).Json, "DuplicateAgent")!["message"], StringComparison.Ordinal);

        // Past the admission it is sent away as soon as the database is asked.
        second.ConnectTo(b.Agents);
        await ControlPlane.UntilAsync(() => b.Agents.SentAway.ContainsKey("compute1"));
        await plane.LetAChangePassAsync(a, b);
        Assert.Empty(a.Agents.SentAway);
        Assert.Equal(("cn-a", Hop1), await WhereAsync(plane));

        // The same agent may move.
        plane.Compute1.Connection = 9;
        plane.Compute1.ConnectTo(b.Agents);
        await Eventually.TrueAsync(async () => (await WhereAsync(plane)).ControlNode == "cn-b", seconds: 30);
    }

    [Fact]
    public async Task A_late_hello_of_an_earlier_connection_takes_nothing_from_the_newer_one()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        var a = plane.Api;
        var b = await plane.AddAsync("cn-b", new FakeBgpEngine());
        // With another instance it is another agent, which the other replica refuses while the first one is connected.
        plane.Compute1.Disconnect();
        await Eventually.TrueAsync(async () => await plane.QueryAsync<long>("SELECT count(*) FROM virtual_router_status JOIN virtual_router v USING (uid) WHERE v.name = 'compute1' AND connected") == 0, seconds: 30);
        (plane.Compute1.Instance, plane.Compute1.Source, plane.Compute1.Connection) = ("aa", "10.0.0.1", 5);
        plane.Compute1.ConnectTo(b.Agents);
        await UntilKnownAsync(plane, "aa");
        var late = new FakeNode("compute1", Hop1) { Instance = "aa", Source = "10.0.0.1", Connection = 4 };
        late.ConnectTo(a.Agents);
        await ControlPlane.UntilAsync(() => a.Agents.SentAway.ContainsKey("compute1"));
        Assert.Contains("has connected to control node cn-b since", a.Agents.SentAway["compute1"], StringComparison.Ordinal);
        Assert.Equal("cn-b", (await WhereAsync(plane)).ControlNode);
    }

    [Fact]
    public async Task A_row_that_says_otherwise_than_the_stream_is_put_right()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        await plane.QueryAsync<long>("""
            WITH r AS (
                UPDATE virtual_router_status s SET control_node = 'cn-x', connected = false, last_seen_at = now() FROM virtual_router v WHERE v.uid = s.uid AND v.name = 'compute1' RETURNING v.uid, v.name
            ), c AS (
                INSERT INTO change (kind, name, uid, verb, status_only) SELECT kind, r.name, r.uid, 1, true FROM r, (SELECT kind FROM change WHERE name = 'compute1' LIMIT 1) k RETURNING 1
            ) SELECT count(*) FROM c
            """);
        await Eventually.TrueAsync(async () => await WhereAsync(plane) == ("cn-a", Hop1), seconds: 30);
        var before = await SeenAsync("/v1/control-nodes/cn-a");
        Assert.True((bool)(await plane.Api.GetAsync(Compute1)).Json!["status"]!["connected"]!);
        // It was heard until its control node was seen last; the agents of the tests send no heartbeats.
        Assert.InRange(await SeenAsync(Compute1), before.AddSeconds(-30), await SeenAsync("/v1/control-nodes/cn-a"));
        Assert.Equal([Hop1], plane.HopsOf(Address));

        async Task<DateTimeOffset> SeenAsync(string path) => (DateTimeOffset)(await plane.Api.GetAsync(path)).Expect(200).Json!["status"]!["lastSeenAt"]!;
    }

    [Fact]
    public async Task A_virtual_router_that_is_deleted_or_made_anew_under_its_agent_is_connected_again()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        (await plane.Api.DeleteAsync(Compute1)).Expect(204);
        await Eventually.TrueAsync(async () => await plane.Api.GetAsync(Compute1) is { Status: 200 } r && (bool)r.Json!["status"]!["connected"]!, seconds: 30);
        await plane.UntilHopsAsync(Address, Hop1);
        await plane.UntilReadyAsync("web");
    }

    [Fact]
    public async Task Agents_make_no_more_than_so_many_virtual_routers_and_users_still_can()
    {
        await using var plane = await ControlPlane.StartAsync(postgres, "--VRouters:MaximumFromAgents", "2");
        await plane.LetAnotherServiceBeProgrammedAsync();
        var third = new FakeNode("compute3", "172.27.115.244");
        third.ConnectTo(plane.Api.Agents);
        await ControlPlane.UntilAsync(() => plane.Api.Agents.SentAway.ContainsKey("compute3"));
        (await plane.Api.PutAsync("/v1/virtual-routers/compute3", """{"address":"172.27.115.244"}""")).Expect(201);
        third.ConnectTo(plane.Api.Agents);
        await Eventually.TrueAsync(async () => (bool)(await plane.Api.GetAsync("/v1/virtual-routers/compute3")).Json!["status"]!["connected"]!, seconds: 30);
    }

    private static Task UntilKnownAsync(ControlPlane plane, string instance) => Eventually.TrueAsync(
        async () => await plane.QueryAsync<long>($"SELECT count(*) FROM virtual_router_status WHERE agent_instance = '{instance}' AND connected") == 1, seconds: 30);

    private static async Task<(string ControlNode, string Address)> WhereAsync(ControlPlane plane)
    {
        var row = await plane.QueryAsync<string>("SELECT s.control_node || ' ' || host(v.address) FROM virtual_router v JOIN virtual_router_status s USING (uid) WHERE v.name = 'compute1'");
        return row.Split(' ') is [var node, var address] ? (node, address) : throw new InvalidOperationException(row);
    }
}
