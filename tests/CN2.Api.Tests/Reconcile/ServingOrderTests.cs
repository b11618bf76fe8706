using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Entries before routes on the way up, routes before entries on the way down, and what the conditions say meanwhile.</summary>
public sealed class ServingOrderTests(PrivatePostgres postgres)
{
    private const string Address = "100.0.0.2";
    private const string Hop1 = "172.27.115.242";
    private const string Hop2 = "172.27.115.243";

    [Fact]
    public async Task A_route_is_announced_only_after_its_vRouter_has_acknowledged_the_entry()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        var service = ControlPlane.Path("web");
        await plane.ServiceAsync("web");
        await plane.UntilConditionAsync(service, "Programmed", "True/Programmed");
        await plane.UntilConditionAsync(service, "Advertised", "False/NoReadyEndpoints");
        await plane.UntilConditionAsync(service, "Ready", "False/NoEndpoints");

        plane.Compute1.Acknowledges = false;
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await ControlPlane.UntilAsync(() => plane.Compute1.WasTold(Address));
        await plane.UntilConditionAsync(service, "Programmed", "False/AwaitingVirtualRouters");
        Assert.Empty(plane.HopsOf(Address));

        plane.Compute1.Acknowledges = true;
        plane.Compute1.Acknowledge();
        await plane.UntilHopsAsync(Address, Hop1);
        Assert.True(plane.Compute1.Carries(Address));
        await plane.UntilReadyAsync("web");
        foreach (var type in new[] { "Allocated", "Programmed", "Advertised" }) await plane.UntilConditionAsync(service, type, $"True/{type}");

        var route = Assert.Single((await plane.FloatingIPAsync(Address))!["status"]!["routes"]!.AsArray())!;
        Assert.Equal($"{Address}/32 {Hop1} 200 100", $"{route["prefix"]} {route["nextHop"]} {route["localPreference"]} {route["med"]}");
        Assert.Equal("""[{"name":"cn-a","advertisedTo":["vmx1"]}]""", route["controlNodes"]!.ToJsonString());
        var events = (await plane.Api.GetAsync("/v1/events?regarding=services/default/web")).Expect(200).Json!["items"]!.AsArray();
        Assert.Contains(events, e => (string?)e!["reason"] == "Ready" && (string?)e["type"] == "Normal");
    }

    [Fact]
    public async Task A_deleted_service_loses_its_route_then_its_entries_then_its_address()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");

        var answer = (await plane.Api.DeleteAsync(ControlPlane.Path("web"))).Expect(202);
        Assert.Equal("Deleting", (string?)answer.Json!["status"]!["state"]);
        var seen = new List<string>();
        await Eventually.TrueAsync(async () =>
        {
            // Read in the order in which they must go, so that a later one is never younger than an earlier one.
            var exists = (await plane.Api.GetAsync(ControlPlane.Path("web"))).Status != 404;
            var entries = plane.Compute1.Entries(Address).Any();
            var route = plane.HopsOf(Address).Count > 0;
            var now = $"{(route ? "route " : "")}{(entries ? "entries " : "")}{(exists ? "service" : "")}".Trim();
            if (seen.Count == 0 || seen[^1] != now) seen.Add(now);
            return now.Length == 0;
        }, seconds: 30);
        Assert.DoesNotContain(seen, s => s.Contains("route", StringComparison.Ordinal) && !s.Contains("entries", StringComparison.Ordinal));
        Assert.Contains("entries service", seen);
        Assert.DoesNotContain("entries", seen);
        await ControlPlane.UntilAsync(() => plane.Compute1.Drops.All(a => a.ToString() != Address));
        await plane.ServiceAsync("next");
        Assert.NotNull(await plane.FloatingIPAsync(Address));
    }

    [Fact]
    public async Task A_deletion_waits_for_a_speaker_that_is_away()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");

        plane.Engine.Kill();
        (await plane.Api.DeleteAsync(ControlPlane.Path("web"))).Expect(202);
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Ready", "False/Deleting");
        plane.Time.Jump(TimeSpan.FromSeconds(2)); // longer than entries are held
        await plane.LetAnotherServiceBeProgrammedAsync();
        Assert.Equal("Deleting", (string?)(await plane.Api.GetAsync(ControlPlane.Path("web"))).Expect(200).Json!["status"]!["state"]);
        Assert.True(plane.Compute1.Carries(Address));

        plane.Engine.Start();
        await plane.UntilGoneAsync(ControlPlane.Path("web"));
        Assert.Empty(plane.HopsOf(Address));
        Assert.Empty(plane.Compute1.Entries(Address));
    }

    [Fact]
    public async Task A_service_that_is_deleted_before_the_speaker_first_answers_is_removed()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");

        await plane.StopAsync(plane.Api);
        plane.Engine.Kill();
        var api = await plane.AddAsync("cn-a", plane.Engine);
        plane.Compute1.ConnectTo(api.Agents);
        plane.Compute2.ConnectTo(api.Agents);
        await ControlPlane.UntilAsync(() => plane.Compute1.Carries(Address) && api.Agents.Counters.Snapshots == 2);
        await Eventually.TrueAsync(async () => (bool)(await api.GetAsync("/v1/virtual-routers/compute1")).Json!["status"]!["connected"]!, seconds: 30);
        (await api.DeleteAsync(ControlPlane.Path("web"))).Expect(202);
        await ControlPlane.UntilAsync(() => !plane.Compute2.Entries("10.233.0.1").Any());
        plane.Engine.Start();
        await plane.UntilGoneAsync(ControlPlane.Path("web"));
    }

    [Fact]
    public async Task An_endpoint_that_moves_is_served_on_the_new_node_before_the_old_route_goes()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");

        plane.Compute2.Acknowledges = false;
        await plane.EndpointAsync("pod1", "compute2", "10.0.0.1");
        await ControlPlane.UntilAsync(() => plane.Compute2.WasTold(Address));
        Assert.Equal([Hop1], plane.HopsOf(Address));
        Assert.True(plane.Compute1.Carries(Address));
        plane.Compute2.Acknowledges = true;
        plane.Compute2.Acknowledge();
        await plane.UntilHopsAsync(Address, Hop2);
        var journal = string.Join(' ', plane.Api.Speaker.Journal.Where(j => j.Contains(Address, StringComparison.Ordinal)));
        Assert.Equal($"+{Address} via {Hop1} +{Address} via {Hop2} -{Address} via {Hop1}", journal);
        // What is left there is for callers inside.
        await ControlPlane.UntilAsync(() => plane.Compute1.Entries(Address).SingleOrDefault() is { Carries: false, Draining.Count: 0, Inside.Count: 1 });
    }

    [Fact]
    public async Task Draining_and_maintenance_withdraw_the_route_and_keep_the_entries()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await plane.ServiceAsync("web");
        await plane.UntilHopsAsync(Address, Hop1, Hop2);

        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1", ""","ready":false""");
        await plane.UntilHopsAsync(Address, Hop2);
        await ControlPlane.UntilAsync(() => plane.Compute1.Entries(Address).SingleOrDefault() is { Carries: false, Draining.Count: 1 });

        (await plane.Api.PatchAsync("/v1/virtual-routers/compute2", """{"adminDown":true}""")).Expect(200);
        await plane.UntilHopsAsync(Address);
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Advertised", "False/VirtualRoutersDown");
        Assert.True(plane.Compute2.Carries(Address));
        (await plane.Api.PatchAsync("/v1/virtual-routers/compute2", """{"adminDown":false}""")).Expect(200);
        await plane.UntilHopsAsync(Address, Hop2);
        await plane.UntilReadyAsync("web");
    }

    [Fact]
    public async Task A_refused_revision_is_a_failure_of_the_owners_it_concerns_until_it_is_accepted()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.ServiceAsync("other");
        await plane.UntilReadyAsync("web");
        await plane.UntilReadyAsync("other");

        plane.Compute1.Refuses = "No space left on device";
        (await plane.Api.PatchAsync(ControlPlane.Path("web"), """{"ports":[{"name":"a","port":8080,"targetPort":80},{"name":"b","port":8443,"targetPort":443}]}""")).Expect(200);
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Programmed", "False/VirtualRouterRefused");
        Assert.Equal("Failure", (string?)(await plane.Api.GetAsync(ControlPlane.Path("web"))).Json!["status"]!["state"]);
        await Eventually.TrueAsync(async () => (string?)(await plane.Api.GetAsync("/v1/virtual-routers/compute1")).Json!["status"]!["message"] == "No space left on device", seconds: 30);
        Assert.Equal("True/Ready", ControlPlane.ConditionOf(await plane.Api.GetAsync(ControlPlane.Path("other")), "Ready"));
        Assert.Equal([Hop1], plane.HopsOf(Address));

        plane.Compute1.Refuses = null;
        plane.Compute1.Acknowledge();
        await plane.UntilReadyAsync("web");
        Assert.Equal("Success", (string?)(await plane.Api.GetAsync(ControlPlane.Path("web"))).Json!["status"]!["state"]);
    }

    [Fact]
    public async Task A_vRouter_that_is_deleted_while_its_agent_is_connected_delays_nothing()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");

        plane.Compute2.Acknowledges = false;
        (await plane.Api.DeleteAsync("/v1/virtual-routers/compute2")).Expect(204);
        await plane.EndpointAsync("pod2", "compute1", "10.0.0.2");
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Programmed", "False/AwaitingVirtualRouters");
        plane.Compute2.Disconnect();
        await plane.UntilReadyAsync("web");
        (await plane.Api.DeleteAsync(ControlPlane.Path("web"))).Expect(202);
        await plane.UntilGoneAsync(ControlPlane.Path("web"));
    }

    [Fact]
    public async Task The_status_shows_sessions_that_come_up_and_go_down()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        plane.Api.Speaker.Establish("vmx1", "Active");
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Advertised", "False/NoPeer");
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Ready", "False/NoPeer");
        plane.Api.Speaker.Establish("vmx1");
        await plane.UntilReadyAsync("web");
    }
}
