using CN2.Api.Tests.Drivers;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Reconcile;

/// <summary>vRouters that stay away and come back, servers that start again, feeds that were trimmed.</summary>
public sealed class LostAndRestartedTests(PrivatePostgres postgres)
{
    private const string Address = "100.0.0.2";
    private const string Hop1 = "172.27.115.242";
    private const string Hop2 = "172.27.115.243";

    [Fact]
    public async Task A_vRouter_that_stays_away_loses_its_routes_and_gets_them_back_once_it_has_answered()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await plane.ServiceAsync("web");
        await plane.UntilHopsAsync(Address, Hop1, Hop2);
        await plane.UntilReadyAsync("web");

        plane.Compute1.Disconnect();
        await plane.UntilHopsAsync(Address, Hop2);
        Assert.True(plane.Compute1.Carries(Address)); // headless: nobody told it anything
        await plane.UntilReadyAsync("web"); // lost ones do not count

        plane.Compute1.Acknowledges = false;
        plane.Compute1.ConnectTo(plane.Api.Agents);
        await ControlPlane.UntilAsync(() => plane.Compute1.WasTold(Address));
        await Eventually.TrueAsync(async () => (bool)(await plane.Api.GetAsync("/v1/virtual-routers/compute1")).Json!["status"]!["connected"]!, seconds: 30);
        Assert.Equal([Hop2], plane.HopsOf(Address));
        plane.Compute1.Acknowledges = true;
        plane.Compute1.Acknowledge();
        await plane.UntilHopsAsync(Address, Hop1, Hop2);
        await plane.UntilReadyAsync("web");
    }

    [Fact]
    public async Task No_owner_waits_for_a_vRouter_that_is_lost_before_it_acknowledges()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        plane.Compute2.Acknowledges = false; // no endpoint of the Service lives there, but the cluster IP does
        await plane.EndpointAsync("pod2", "compute1", "10.0.0.2");
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Programmed", "False/AwaitingVirtualRouters");
        plane.Compute2.Disconnect();
        await plane.UntilReadyAsync("web");
    }

    [Fact]
    public async Task A_deletion_that_waits_for_vRouters_that_went_away_at_once_says_so_and_goes_on_when_they_are_deleted()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await plane.ServiceAsync("web");
        await plane.UntilHopsAsync(Address, Hop1, Hop2);
        string[] routers = ["/v1/virtual-routers/compute1", "/v1/virtual-routers/compute2"];
        plane.Compute1.Disconnect();
        plane.Compute2.Disconnect();
        foreach (var router in routers) await plane.UntilConditionAsync(router, "Connected", "Unknown/MassLoss");
        (await plane.Api.DeleteAsync(ControlPlane.Path("web"))).Expect(202);
        await Eventually.TrueAsync(
            async () => ((string?)Reply.Condition((await plane.Api.GetAsync(ControlPlane.Path("web"))).Json, "Ready")?["message"])?.Contains("MassLoss", StringComparison.Ordinal) == true, seconds: 30);

        foreach (var router in routers) Assert.Contains((await plane.Api.DeleteAsync(router)).Status, new[] { 202, 204 });
        await plane.UntilGoneAsync(ControlPlane.Path("web"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_deletion_of_what_no_vRouter_has_says_too_that_it_waits_for_those_that_went_away_at_once(bool before)
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await plane.ServiceAsync("web");
        await plane.UntilHopsAsync(Address, Hop1, Hop2);
        var idle = ControlPlane.Path("idle");
        (await plane.Api.PostAsync("/v1/namespaces/default/services", """{"name":"idle","type":"ClusterIP","selector":{"app":"nobody"},"ports":[{"port":80}]}""")).Expect(201);
        await plane.UntilConditionAsync(idle, "Programmed", "True/Programmed");
        plane.Compute1.Disconnect();
        plane.Compute2.Disconnect();
        if (before) (await plane.Api.DeleteAsync(idle)).Expect(202);
        foreach (var router in (string[])["/v1/virtual-routers/compute1", "/v1/virtual-routers/compute2"]) await plane.UntilConditionAsync(router, "Connected", "Unknown/MassLoss");
        if (!before) (await plane.Api.DeleteAsync(idle)).Expect(202);
        await Eventually.TrueAsync(
            async () => ((string?)Reply.Condition((await plane.Api.GetAsync(idle)).Json, "Ready")?["message"])?.Contains("VirtualRouters compute1, compute2 went away", StringComparison.Ordinal) == true, seconds: 30);
    }

    [Fact]
    public async Task A_restart_of_the_server_withdraws_nothing_announces_nothing_and_changes_no_status()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        await Eventually.TrueAsync(async () => ControlPlane.ConditionOf(await plane.FloatingIPAsync(Address), "Ready") == "True/Ready", seconds: 30);
        var before = (await plane.Api.GetAsync(ControlPlane.Path("web"))).Json!["status"]!.ToJsonString();

        await plane.StopAsync(plane.Api);
        var newest = await plane.QueryAsync<long>("SELECT max(id) FROM change");
        var api = await plane.AddAsync("cn-a", plane.Engine);
        await api.EstablishAsync("vmx1");
        plane.Compute1.ConnectTo(api.Agents);
        plane.Compute2.ConnectTo(api.Agents);
        await ControlPlane.UntilAsync(() => plane.Compute1.Messages > 0 && api.Agents.Counters.Snapshots >= 2);
        // Longer than LostAfter and than statuses settle. What the first change wakes may still write; the second finds it done.
        plane.Time.Jump(TimeSpan.FromSeconds(10));
        await plane.LetAChangePassAsync(api);
        await plane.LetAChangePassAsync(api);
        Assert.DoesNotContain(api.Speaker.Journal, j => j.StartsWith('+') || j.StartsWith('-'));
        Assert.Equal(before, (await api.GetAsync(ControlPlane.Path("web"))).Json!["status"]!.ToJsonString());
        // The session is up within the time in which statuses settle, or its going and coming is told once and then nothing more.
        Assert.True(await plane.QueryAsync<long>($"SELECT count(*) FROM change WHERE id > {newest} AND kind = {(short)CN2.Api.Data.Rows.ResourceKind.Service}") <= 2);
    }

    [Fact]
    public async Task With_an_empty_speaker_peers_wait_until_the_agents_have_answered()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        await plane.StopAsync(plane.Api);

        var fresh = new FakeBgpEngine();
        var api = await plane.AddAsync("cn-a", fresh, "--VRouters:LostAfterSeconds", "20");
        plane.Compute2.ConnectTo(api.Agents);
        await Eventually.TrueAsync(async () => await plane.QueryAsync<long>("SELECT count(*) FROM virtual_router_status s JOIN virtual_router v USING (uid) WHERE v.name = 'compute2' AND s.connected AND s.applied_revision > 0") == 1);
        // One of two has answered. A change that comes later has reached it, and still there are no peers.
        await plane.ServiceAsync("later");
        await ControlPlane.UntilAsync(() => plane.Compute2.WasTold("10.233.0.2"));
        Assert.Empty(api.Speaker.Peers);
        plane.Compute1.ConnectTo(api.Agents);
        await ControlPlane.UntilAsync(() => api.Speaker.Peers.Count == 1, 15);
        await plane.UntilHopsAsync(Address, Hop1);
        Assert.True(api.Speaker.Journal.IndexOf($"+{Address} via {Hop1}") < api.Speaker.Journal.IndexOf("peer vmx1"), string.Join(", ", api.Speaker.Journal));
    }

    [Fact]
    public async Task With_an_empty_speaker_and_no_agents_peers_wait_for_LostAfter()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        await plane.StopAsync(plane.Api);
        var api = await plane.AddAsync("cn-a", new FakeBgpEngine());
        await ControlPlane.UntilAsync(() => api.Speaker.Peers.Count == 1, 20);
        Assert.Empty(plane.HopsOf(Address));
    }

    [Fact]
    public async Task A_restarted_node_gets_no_route_for_entries_that_it_held_before()
    {
        await using var plane = await ControlPlane.StartAsync(postgres, "--VRouters:LostAfterSeconds", "60");
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        (await plane.Api.PatchAsync("/v1/virtual-routers/compute1", """{"adminDown":true}""")).Expect(200);
        await plane.UntilHopsAsync(Address);

        plane.Compute1.Acknowledges = false;
        plane.Compute1.Reboot();
        plane.Compute1.ConnectTo(plane.Api.Agents);
        await Eventually.TrueAsync(async () => (bool)(await plane.Api.GetAsync("/v1/virtual-routers/compute1")).Json!["status"]!["connected"]!, seconds: 30);
        (await plane.Api.PatchAsync("/v1/virtual-routers/compute1", """{"adminDown":false}""")).Expect(200);
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Advertised", "False/AwaitingSpeaker");
        Assert.Empty(plane.HopsOf(Address));
        plane.Compute1.Acknowledges = true;
        plane.Compute1.Acknowledge();
        await plane.UntilHopsAsync(Address, Hop1);
    }

    [Fact]
    public async Task A_replica_that_leads_again_corrects_statuses_that_another_leader_wrote()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        await plane.QueryAsync<long>("""
            WITH w AS (
                UPDATE service_status SET document = jsonb_set(document, ARRAY['conditions',
                    (SELECT (n - 1)::text FROM jsonb_array_elements(document -> 'conditions') WITH ORDINALITY AS c(condition, n) WHERE condition ->> 'type' = 'Ready'), 'reason'], '"Stale"')
                RETURNING 1)
            SELECT count(*) FROM w
            """);
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Ready", "True/Stale");
        // Another replica led for a moment: leadership is open, and taken again by this one.
        Assert.Equal(1, await plane.QueryAsync<long>("""
            WITH l AS (UPDATE leader_lease SET run = gen_random_uuid(), fence = fence + 1, expires_at = renewed_at - interval '1 second' RETURNING 1) SELECT count(*) FROM l
            """));
        await plane.UntilReadyAsync("web");
    }

    [Fact]
    public async Task A_replica_that_was_taken_for_gone_writes_its_rows_again()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        await plane.QueryAsync<long>("WITH a AS (DELETE FROM advertisement RETURNING 1), c AS (DELETE FROM control_node RETURNING 1) SELECT count(*) FROM a");
        await Eventually.TrueAsync(async () => await plane.QueryAsync<long>("SELECT count(*) FROM advertisement") == 1, seconds: 30);
        Assert.Equal([Hop1], plane.HopsOf(Address));
    }
}
