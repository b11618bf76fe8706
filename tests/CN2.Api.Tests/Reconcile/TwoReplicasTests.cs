using CN2.Api.Tests.Drivers;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Two replicas on one database, each with a speaker of its own; the agents have dialled one of them.</summary>
public sealed class TwoReplicasTests(PrivatePostgres postgres)
{
    private const string Address = "100.0.0.2";
    private const string Hop1 = "172.27.115.242";

    [Fact]
    public async Task A_replica_announces_what_the_agents_of_another_have_acknowledged()
    {
        var (plane, a, b) = await StartAsync();
        await using var _ = plane;
        plane.Compute1.Acknowledges = false;
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await ControlPlane.UntilAsync(() => plane.Compute1.WasTold(Address));
        await plane.LetAChangePassAsync(a, b);
        Assert.Empty(ControlPlane.HopsOf(a, Address));
        Assert.Empty(ControlPlane.HopsOf(b, Address));

        plane.Compute1.Acknowledges = true;
        plane.Compute1.Acknowledge();
        await ControlPlane.UntilAsync(() => ControlPlane.HopsOf(a, Address).Count == 1 && ControlPlane.HopsOf(b, Address).Count == 1);
        await plane.UntilReadyAsync("web");
        await Eventually.TrueAsync(async () => (await plane.FloatingIPAsync(Address))!["status"]!["routes"]!.AsArray().SingleOrDefault()?["controlNodes"]?.ToJsonString()
            == """[{"name":"cn-a","advertisedTo":["vmx1"]},{"name":"cn-b","advertisedTo":["vmx1"]}]""", seconds: 30);
    }

    [Fact]
    public async Task A_replica_that_joins_announces_what_is_there_already()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        var b = await plane.AddAsync("cn-b", new FakeBgpEngine());
        await ControlPlane.UntilAsync(() => ControlPlane.HopsOf(b, Address).SequenceEqual([Hop1]));
    }

    [Fact]
    public async Task A_deletion_waits_for_both_speakers_and_for_the_agents_of_either()
    {
        var (plane, a, b) = await StartAsync();
        await using var _ = plane;
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await ControlPlane.UntilAsync(() => ControlPlane.HopsOf(a, Address).Count == 1 && ControlPlane.HopsOf(b, Address).Count == 1);

        a.Speaker.KillEngine();
        (await b.DeleteAsync(ControlPlane.Path("web"))).Expect(202);
        await ControlPlane.UntilAsync(() => ControlPlane.HopsOf(b, Address).Count == 0);
        plane.Time.Jump(TimeSpan.FromSeconds(2)); // longer than entries are held
        await plane.LetAChangePassAsync(b);
        await plane.LetAnotherServiceBeProgrammedAsync(); // its status is written by a, which leads
        Assert.True(plane.Compute1.Carries(Address));
        (await b.GetAsync(ControlPlane.Path("web"))).Expect(200);

        plane.Compute1.Acknowledges = false;
        a.Speaker.StartEngine();
        await ControlPlane.UntilAsync(() => !plane.Compute1.WasTold(Address));
        plane.Time.Jump(TimeSpan.FromSeconds(2));
        await plane.LetAChangePassAsync(a, b);
        (await a.GetAsync(ControlPlane.Path("web"))).Expect(200);
        Assert.NotNull(await plane.FloatingIPAsync(Address));
        plane.Compute1.Acknowledges = true;
        plane.Compute1.Acknowledge();
        await plane.UntilGoneAsync(ControlPlane.Path("web"));
        Assert.Equal(0, await plane.QueryAsync<long>($"SELECT count(*) FROM floating_ip WHERE address = '{Address}'"));
    }

    [Fact]
    public async Task A_gone_replica_with_a_bound_engine_delays_a_deletion_only_as_long_as_routers_hold_its_routes()
    {
        var (plane, a, b) = await StartAsync("--ControlNode:EngineBound", "true");
        await using var _ = plane;
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await ControlPlane.UntilAsync(() => ControlPlane.HopsOf(a, Address).Count == 1 && ControlPlane.HopsOf(b, Address).Count == 1);

        // a leads, and is gone; the agents are with b.
        await plane.StopAsync(a);
        var gone = System.Diagnostics.Stopwatch.StartNew();
        (await b.DeleteAsync(ControlPlane.Path("web"))).Expect(202);
        await plane.UntilGoneAsync(ControlPlane.Path("web"));
        Assert.InRange(gone.Elapsed.TotalSeconds, 5, 25); // the peers' restart time is 8 s; it beat at most 2 s before it went
        await plane.ServiceAsync("next"); // b leads now
        await plane.UntilReadyAsync("next");
    }

    [Fact]
    public async Task An_address_is_not_given_while_the_engine_of_a_gone_replica_may_announce_it()
    {
        var (plane, a, b) = await StartAsync();
        await using var _ = plane;
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.ServiceAsync("stays");
        await ControlPlane.UntilAsync(() => ControlPlane.HopsOf(a, Address).Count == 1 && ControlPlane.HopsOf(b, Address).Count == 1);
        Assert.Equal("alive", (string?)(await b.DeleteAsync("/v1/control-nodes/cn-a")).Expect(409).Json!["code"]);

        // The process is gone, its engine is not. b leads after some seconds.
        await plane.StopAsync(a);
        Assert.NotEmpty(a.Speaker.Paths);
        (await b.DeleteAsync(ControlPlane.Path("web"))).Expect(202);
        foreach (var type in new[] { "Ready", "Advertised" })
            await plane.UntilConditionAsync(ControlPlane.Path("web"), type, (type == "Ready" ? "False" : "True") + "/AwaitingControlNodes");
        var web = (await b.GetAsync(ControlPlane.Path("web"))).Expect(200);
        Assert.Contains("DELETE /v1/control-nodes/cn-a", (string?)Reply.Condition(web.Json, "Ready")!["message"], StringComparison.Ordinal);
        var left = (await plane.FloatingIPAsync(Address))!;
        Assert.Equal("True/AwaitingControlNodes", ControlPlane.ConditionOf(left, "Advertised"));
        Assert.Equal(
            (Hop1, """[{"name":"cn-a","advertisedTo":["vmx1"]}]"""),
            ((string?)left["status"]!["routes"]!.AsArray().Single()!["nextHop"], left["status"]!["routes"]![0]!["controlNodes"]!.ToJsonString()));

        // Long after the restart time of the peers (8 s) nothing has changed, with a leader that has forgotten what it may forget.
        await plane.QueryAsync<long>("WITH a AS (UPDATE control_node SET last_seen_at = last_seen_at - interval '1 hour' WHERE name = 'cn-a' RETURNING 1) SELECT count(*) FROM a");
        var bSeen = await plane.QueryAsync<DateTime>("SELECT last_seen_at FROM control_node WHERE name = 'cn-b'");
        await Eventually.TrueAsync(async () => await plane.QueryAsync<DateTime>("SELECT last_seen_at FROM control_node WHERE name = 'cn-b'") > bSeen.AddSeconds(3), "b has beaten twice", 30);
        await plane.LetAChangePassAsync(b);
        await plane.ServiceAsync("next");
        await plane.UntilReadyAsync("next");
        Assert.Equal("web", (string?)(await plane.FloatingIPAsync(Address))!["service"]);
        var dead = (await b.GetAsync("/v1/control-nodes/cn-a")).Expect(200).Json!;
        Assert.False((bool)dead["status"]!["alive"]!);
        Assert.False((bool)dead["status"]!["leader"]!);
        var alive = (await b.GetAsync("/v1/control-nodes")).Expect(200).Json!["items"]!.AsArray().Single(n => (string?)n!["name"] == "cn-b")!;
        Assert.True((bool)alive["status"]!["alive"]!);
        Assert.True((bool)alive["status"]!["leader"]!);
        Assert.Equal("Running", (string?)alive["status"]!["engine"]);

        // The database's clock was set back since it was seen.
        await plane.QueryAsync<long>("WITH a AS (UPDATE control_node SET last_seen_at = now() + interval '1 hour' WHERE name = 'cn-a' RETURNING 1) SELECT count(*) FROM a");
        Assert.False((bool)(await b.GetAsync("/v1/control-nodes/cn-a")).Expect(200).Json!["status"]!["alive"]!);
        (await b.DeleteAsync("/v1/control-nodes/cn-a")).Expect(204);
        await plane.UntilGoneAsync(ControlPlane.Path("web"));
        Assert.Equal(404, (await b.GetAsync("/v1/control-nodes/cn-a")).Status);
        Assert.Equal(404, (await b.DeleteAsync("/v1/control-nodes/cn-a")).Status);
        Assert.Equal("DeclaredDead", (string?)(await b.GetAsync("/v1/events?regarding=control-nodes/cn-a")).Expect(200).Json!["items"]![0]!["reason"]);
        await plane.UntilReadyAsync("stays");
    }

    [Fact]
    public async Task A_deletion_goes_on_when_the_gone_replica_is_back()
    {
        var (plane, a, b) = await StartAsync();
        await using var _ = plane;
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await ControlPlane.UntilAsync(() => ControlPlane.HopsOf(a, Address).Count == 1 && ControlPlane.HopsOf(b, Address).Count == 1);
        await plane.StopAsync(a);
        (await b.DeleteAsync(ControlPlane.Path("web"))).Expect(202);
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Ready", "False/AwaitingControlNodes");

        var again = await plane.AddAsync("cn-a", plane.Engine);
        await plane.UntilGoneAsync(ControlPlane.Path("web"));
        Assert.Empty(ControlPlane.HopsOf(again, Address));
    }

    [Fact]
    public async Task A_replica_that_was_declared_dead_while_it_lived_writes_its_rows_again_and_is_waited_for()
    {
        var (plane, a, b) = await StartAsync();
        await using var _ = plane;
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await ControlPlane.UntilAsync(() => ControlPlane.HopsOf(a, Address).Count == 1 && ControlPlane.HopsOf(b, Address).Count == 1);

        await plane.QueryAsync<long>("WITH n AS (DELETE FROM control_node WHERE name = 'cn-a' RETURNING 1), r AS (DELETE FROM advertisement WHERE control_node = 'cn-a' RETURNING 1) SELECT count(*) FROM r");
        await Eventually.TrueAsync(async () => await plane.QueryAsync<long>("SELECT count(*) FROM advertisement WHERE control_node = 'cn-a' AND routes <> '[]'") == 1, "a has written its rows again", 30);
        (await b.DeleteAsync(ControlPlane.Path("web"))).Expect(202);
        await plane.UntilGoneAsync(ControlPlane.Path("web"));
        Assert.Empty(ControlPlane.HopsOf(a, Address));
        Assert.Empty(ControlPlane.HopsOf(b, Address));
    }

    [Fact]
    public async Task Agents_that_move_to_another_replica_keep_their_routes()
    {
        var (plane, a, b) = await StartAsync();
        await using var _ = plane;
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await ControlPlane.UntilAsync(() => ControlPlane.HopsOf(a, Address).Count == 1 && ControlPlane.HopsOf(b, Address).Count == 1);
        await plane.UntilReadyAsync("web");

        await plane.StopAsync(b);
        plane.Compute1.ConnectTo(a.Agents);
        plane.Compute2.ConnectTo(a.Agents);
        await plane.QueryAsync<long>("WITH b AS (UPDATE control_node SET last_seen_at = last_seen_at - interval '1 minute' WHERE name = 'cn-b' RETURNING 1) SELECT count(*) FROM b");
        (await a.DeleteAsync("/v1/control-nodes/cn-b")).Expect(204);
        plane.Time.Jump(TimeSpan.FromSeconds(10)); // longer than LostAfter
        await plane.LetAChangePassAsync(a);
        await plane.LetAChangePassAsync(a);
        Assert.Equal($"+{Address} via {Hop1}", Assert.Single(a.Speaker.Journal, j => j.Contains(Address, StringComparison.Ordinal)));
        await plane.UntilReadyAsync("web");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await ControlPlane.UntilAsync(() => ControlPlane.HopsOf(a, Address).Count == 2);
    }

    /// <summary>Replica a leads and has no agents; b has them; both have the router's session.</summary>
    private async Task<(ControlPlane Plane, Replica A, Replica B)> StartAsync(params string[] settings)
    {
        var plane = await ControlPlane.StartAsync(postgres, settings);
        var a = plane.Api;
        var b = await plane.AddAsync("cn-b", new FakeBgpEngine(), settings);
        await b.EstablishAsync("vmx1");
        plane.Compute1.ConnectTo(b.Agents);
        plane.Compute2.ConnectTo(b.Agents);
        await Eventually.TrueAsync(async () => await plane.QueryAsync<long>("SELECT count(*) FROM virtual_router_status WHERE connected AND control_node = 'cn-b' AND NOT lost") == 2, seconds: 30);
        return (plane, a, b);
    }
}
