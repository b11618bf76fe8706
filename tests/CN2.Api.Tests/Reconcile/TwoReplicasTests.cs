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
    public async Task A_gone_replica_delays_a_deletion_only_as_long_as_routers_hold_its_routes()
    {
        var (plane, a, b) = await StartAsync();
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
        await Eventually.TrueAsync(async () => await plane.QueryAsync<long>("SELECT count(*) FROM control_node") == 1, "b is forgotten", 30);
        plane.Time.Jump(TimeSpan.FromSeconds(10)); // longer than LostAfter
        await plane.LetAChangePassAsync(a);
        await plane.LetAChangePassAsync(a);
        Assert.Equal($"+{Address} via {Hop1}", Assert.Single(a.Speaker.Journal, j => j.Contains(Address, StringComparison.Ordinal)));
        await plane.UntilReadyAsync("web");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await ControlPlane.UntilAsync(() => ControlPlane.HopsOf(a, Address).Count == 2);
    }

    /// <summary>Replica a leads and has no agents; b has them; both have the router's session.</summary>
    private async Task<(ControlPlane Plane, Replica A, Replica B)> StartAsync()
    {
        var plane = await ControlPlane.StartAsync(postgres);
        var a = plane.Api;
        var b = await plane.AddAsync("cn-b", new FakeBgpEngine());
        await b.EstablishAsync("vmx1");
        plane.Compute1.ConnectTo(b.Agents);
        plane.Compute2.ConnectTo(b.Agents);
        await Eventually.TrueAsync(async () => await plane.QueryAsync<long>("SELECT count(*) FROM virtual_router_status WHERE connected AND control_node = 'cn-b' AND NOT lost") == 2, seconds: 30);
        return (plane, a, b);
    }
}
