using System.Text.Json.Nodes;
using CN2.Api.Services;
using CN2.Api.Tests.Allocation;
using CN2.Api.Tests.Fixtures;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.Services;

/// <summary>What a Service keeps, gains and loses (docs/contract.md §3). Each test has a namespace and address space of its own.</summary>
public sealed class ServiceRulesTests(ApiServerWithoutReconciler api) : IClassFixture<ApiServerWithoutReconciler>
{
    private ServiceLifecycle Lifecycle => api.Services.GetRequiredService<ServiceLifecycle>();

    [Fact]
    public async Task A_service_that_changes_its_network_gets_a_new_address_at_once_and_loses_the_old_one_later()
    {
        await NetworkAsync("mv", "a", """[{"cidr":"30.0.0.0/24"}]""");
        await NetworkAsync("mv", "b", """[{"cidr":"30.0.1.0/24"}]""");
        var path = await ServiceAsync("mv", """{"name":"s","externalNetwork":"a","ports":[{"port":80}]}""", 201);
        var moved = (await api.PatchAsync(path, """{"externalNetwork":"b"}""")).Expect(200);
        Assert.Equal("30.0.1.2", Externals(moved));
        Assert.Equal("mv/b", (string?)moved.Json!["status"]!["externalNetwork"]);
        Assert.Equal("\"2\"", moved.ETag);
        var old = Assert.Single((await api.GetAsync("/v1/floating-ips?address=30.0.0.2")).Expect(200).Json!["items"]!.AsArray())!;
        Assert.Equal("Deleting", (string?)old["status"]!["state"]);
        var current = Assert.Single((await api.GetAsync("/v1/floating-ips?address=30.0.1.2")).Expect(200).Json!["items"]!.AsArray())!;
        Assert.StartsWith((string)current["name"]! + "-", (string)old["name"]!, StringComparison.Ordinal);

        Assert.Equal(1, await Lifecycle.FinalizeAsync([], [Uid(old), Uid(current)], CancellationToken.None));
        Assert.Empty((await api.GetAsync("/v1/floating-ips?address=30.0.0.2")).Expect(200).Json!["items"]!.AsArray());
        Assert.Equal("30.0.1.2", Externals(await api.GetAsync(path)));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task A_second_create_is_already_exists_whatever_it_requests()
    {
        await NetworkAsync("twice", "a", """[{"cidr":"30.20.0.0/24"}]""");
        const string service = """{"name":"s","externalNetwork":"a","loadBalancerIPs":["30.20.0.9"],"ports":[{"port":80,"nodePort":31234}]}""";
        await ServiceAsync("twice", service, 201);
        Assert.Equal("already-exists", (await api.PostAsync("/v1/namespaces/twice/services", service)).Expect(409).Code);
        Assert.Equal("already-exists", (await api.PostAsync("/v1/namespaces/twice/services?dryRun=true", service)).Expect(409).Code);
    }

    [Fact]
    public async Task A_family_without_a_subnet_is_reported_as_missing_and_not_as_exhausted()
    {
        await NetworkAsync("fam", "a", """[{"cidr":"30.22.0.0/24"}]""");
        var path = await ServiceAsync("fam", """{"name":"s","externalNetwork":"a","ipFamilyPolicy":"RequireDualStack","loadBalancerIPs":["30.22.0.9"],"ports":[{"port":80}]}""", 201);
        Assert.Equal(("Pending", "FamilyNotAvailable"), (State(await api.GetAsync(path)), Reason(await api.GetAsync(path))));
    }

    [Fact]
    public async Task Concurrent_identical_PUTs_create_once_and_the_others_return_200()
    {
        await NetworkAsync("put", "a", """[{"cidr":"30.21.0.0/24"}]""");
        for (var i = 2; i < 12; i++)
        {
            var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ =>
                api.PutAsync($"/v1/namespaces/put/services/s{i}", $$"""{"externalNetwork":"a","loadBalancerIPs":["30.21.0.{{i}}"],"ports":[{"port":80}]}""")));
            Assert.Equal([200, 200, 200, 200, 200, 200, 200, 201], replies.Select(r => r.Status).Order());
        }
    }

    [Fact]
    public async Task A_service_keeps_its_old_address_until_its_new_network_has_one()
    {
        await NetworkAsync("wait", "a", """[{"cidr":"30.1.0.0/24"}]""");
        var path = await ServiceAsync("wait", """{"name":"s","externalNetwork":"a","ports":[{"port":80}]}""", 201);
        var pending = (await api.PatchAsync(path, """{"externalNetwork":"later"}""")).Expect(200);
        Assert.Equal(("Pending", "NetworkNotFound", "30.1.0.2"), (State(pending), Reason(pending), Externals(pending)));
        await NetworkAsync("wait", "later", """[{"cidr":"30.1.1.0/24"}]""");
        Assert.Equal(1, await Lifecycle.ServePendingAsync([Uid(pending.Json!)], CancellationToken.None));
        var served = await api.GetAsync(path);
        Assert.Equal(("Success", "30.1.1.2"), (State(served), Externals(served)));
        Assert.Equal(0, await Lifecycle.ServePendingAsync([Uid(pending.Json!)], CancellationToken.None));
    }

    [Fact]
    public async Task Changes_of_labels_and_other_networks_move_no_address()
    {
        await NetworkAsync("stay", "a", """[{"cidr":"30.2.0.0/24"}]""", "stay");
        await SelectorAsync("stay");
        var path = await ServiceAsync("stay", """{"name":"s","externalNetworkSelector":"stay","ports":[{"port":80}]}""", 201);
        (await api.PatchAsync("/v1/namespaces/stay/external-networks/a", """{"labels":null}""")).Expect(200);
        await NetworkAsync("stay", "better", """[{"cidr":"30.2.1.0/24"}]""", "stay", 100);
        var same = (await api.PatchAsync(path, """{"labels":{"touched":"yes"}}""")).Expect(200);
        Assert.Equal("30.2.0.2", Externals(same));
        await Lifecycle.ServePendingAsync([Uid(same.Json!)], CancellationToken.None);
        Assert.Equal("30.2.0.2", Externals(await api.GetAsync(path)));
        // A second one goes where the selector points now.
        Assert.Equal("30.2.1.2", Externals(await api.PostAsync("/v1/namespaces/stay/services", """{"name":"t","externalNetworkSelector":"stay","ports":[{"port":80}]}""")));
    }

    [Fact]
    public async Task Networks_are_tried_by_priority_then_name_and_full_ones_or_those_without_autoAssign_are_skipped()
    {
        await SelectorAsync("order");
        await NetworkAsync("order", "z", """[{"cidr":"30.3.0.0/30"}]""", "order", 5);
        await NetworkAsync("order", "b", """[{"cidr":"30.3.1.0/30"}]""", "order");
        await NetworkAsync("order", "a", """[{"cidr":"30.3.2.0/30"}]""", "order");
        await NetworkAsync("order", "manual", """[{"cidr":"30.3.3.0/30"}]""", "order", 50, "\"autoAssign\":false,");
        var got = new List<string>();
        for (var i = 0; i < 4; i++)
            got.Add(Externals(await api.PostAsync("/v1/namespaces/order/services", $$"""{"name":"s{{i}}","externalNetworkSelector":"order","ports":[{"port":80}]}""")));
        Assert.Equal(["30.3.0.2", "30.3.2.2", "30.3.1.2", ""], got);
        Assert.Equal("30.3.3.2", Externals(await api.PostAsync("/v1/namespaces/order/services", """{"name":"named","externalNetwork":"manual","ports":[{"port":80}]}""")));
    }

    [Fact]
    public async Task A_dual_stack_service_takes_both_families_from_one_network_and_a_missing_family_later()
    {
        await SelectorAsync("dual");
        await NetworkAsync("dual", "v4", """[{"cidr":"30.4.0.0/24"}]""", "dual", 9);
        var path = await ServiceAsync("dual", """{"name":"early","externalNetworkSelector":"dual","ipFamilies":["IPv4","IPv6"],"ports":[{"port":80}]}""", 201);
        var early = await api.GetAsync(path);
        Assert.Equal(("Success", "30.4.0.2", "PreferDualStack"), (State(early), Externals(early), (string?)early.Json!["ipFamilyPolicy"]));
        Assert.Equal(2, early.Json["status"]!["clusterIPs"]!.AsArray().Count);
        var strict = (await api.PostAsync("/v1/namespaces/dual/services", """{"name":"strict","externalNetworkSelector":"dual","ipFamilyPolicy":"RequireDualStack","ports":[{"port":80}]}""")).Expect(201);
        Assert.Equal("Pending", State(strict));

        await NetworkAsync("dual", "both", """[{"cidr":"2a00:1::/64"},{"cidr":"30.4.1.0/24"}]""", "dual");
        await Lifecycle.ServePendingAsync(await PendingServices.ReadAsync(api), CancellationToken.None);
        Assert.Equal("30.4.1.2 2a00:1::2", Externals(await api.GetAsync("/v1/namespaces/dual/services/strict")));
        Assert.Equal("2a00:1::3 30.4.1.3", Externals(await api.PostAsync("/v1/namespaces/dual/services",
            """{"name":"six","externalNetworkSelector":"dual","ipFamilies":["IPv6","IPv4"],"ports":[{"port":80}]}""")));

        // The network of the first one gets IPv6: its second address comes without a call, the first stays.
        (await api.PatchAsync("/v1/namespaces/dual/external-networks/v4", """{"subnets":[{"cidr":"30.4.0.0/24"},{"cidr":"2a00:2::/64"}]}""")).Expect(200);
        var network = Uid((await api.GetAsync("/v1/namespaces/dual/external-networks/v4")).Json!);
        var incomplete = await Lifecycle.IncompleteAsync(network, CancellationToken.None);
        Assert.Equal([Uid(early.Json)], incomplete);
        Assert.Equal(1, await Lifecycle.ServePendingAsync(incomplete, CancellationToken.None));
        Assert.Equal("30.4.0.2 2a00:2::2", Externals(await api.GetAsync(path)));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task A_reserved_address_that_a_service_claims_keeps_its_name_and_survives_the_service()
    {
        await NetworkAsync("claim", "n", """[{"cidr":"30.5.0.0/24","reserved":["30.5.0.9"]}]""");
        (await api.PostAsync("/v1/namespaces/claim/floating-ips", """{"name":"web-vip","externalNetwork":"n","address":"30.5.0.9"}""")).Expect(201);
        var path = await ServiceAsync("claim", """{"name":"s","externalNetwork":"n","loadBalancerIPs":["30.5.0.9"],"ports":[{"port":8080,"targetPort":80}]}""", 201);
        var service = await api.GetAsync(path);
        Assert.Equal("30.5.0.9", Externals(service));
        Assert.Equal("web-vip", (string?)service.Json!["status"]!["floatingIPs"]![1]);
        var vip = (await api.GetAsync("/v1/namespaces/claim/floating-ips/web-vip")).Expect(200);
        Assert.Equal(("s", "TCP/8080->80"), ((string?)vip.Json!["service"], (string?)vip.Json["portMapping"]));
        Assert.Equal("in-use", (await api.DeleteAsync("/v1/namespaces/claim/floating-ips/web-vip")).Expect(409).Code);
        Assert.Equal("address-in-use", (await api.PostAsync("/v1/namespaces/claim/services", """{"name":"t","externalNetwork":"n","loadBalancerIPs":["30.5.0.9"],"ports":[{"port":80}]}""")).Expect(409).Code);
        // The representation goes back unchanged.
        Assert.Equal(vip.Text, (await api.PutAsync("/v1/namespaces/claim/floating-ips/web-vip", vip.Text)).Expect(200).Text);

        (await api.DeleteAsync(path)).Expect(204);
        var free = (await api.GetAsync("/v1/namespaces/claim/floating-ips/web-vip")).Expect(200);
        Assert.Equal((null, "30.5.0.9"), ((string?)free.Json!["service"], (string?)free.Json["address"]));
        await ServiceAsync("claim", """{"name":"again","externalNetwork":"n","loadBalancerIPs":["30.5.0.9"],"ports":[{"port":80}]}""", 201);
        // Another namespace's reservation is not ours.
        (await api.PutAsync("/v1/namespaces/claim2", "{}")).Expect(201);
        (await api.PostAsync("/v1/namespaces/claim/floating-ips", """{"name":"other","externalNetwork":"n"}""")).Expect(201);
        Assert.Equal("address-in-use", (await api.PostAsync("/v1/namespaces/claim2/services", """{"name":"t","externalNetwork":"claim/n","loadBalancerIPs":["30.5.0.2"],"ports":[{"port":80}]}""")).Expect(409).Code);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task A_change_of_network_ends_a_claim_and_keeps_the_reservation()
    {
        await NetworkAsync("unclaim", "a", """[{"cidr":"30.10.0.0/24"}]""");
        await NetworkAsync("unclaim", "b", """[{"cidr":"30.10.1.0/24"}]""");
        var vip = (await api.PostAsync("/v1/namespaces/unclaim/floating-ips", """{"name":"vip","externalNetwork":"a","address":"30.10.0.9"}""")).Expect(201);
        var path = await ServiceAsync("unclaim", """{"name":"s","externalNetwork":"a","loadBalancerIPs":["30.10.0.9"],"ports":[{"port":80}]}""", 201);
        Assert.Equal("address-out-of-range", (await api.PatchAsync(path, """{"externalNetwork":"b"}""")).Expect(400).Code);
        Assert.Equal("30.10.1.2", Externals((await api.PatchAsync(path, """{"externalNetwork":"b","loadBalancerIPs":null}""")).Expect(200)));
        // It serves until the new one does, so it is not free for others yet.
        var leaving = (await api.GetAsync("/v1/namespaces/unclaim/floating-ips/vip")).Expect(200).Json!;
        Assert.Equal(("s", "Success", "vip"), ((string?)leaving["service"], (string?)leaving["status"]!["state"], (string?)leaving["name"]));
        Assert.Equal("in-use", (await api.DeleteAsync("/v1/namespaces/unclaim/floating-ips/vip")).Expect(409).Code);
        await Lifecycle.FinalizeAsync([], [Uid(vip.Json!)], CancellationToken.None);
        Assert.Null((string?)(await api.GetAsync("/v1/namespaces/unclaim/floating-ips/vip")).Expect(200).Json!["service"]);
        await ServiceAsync("unclaim", """{"name":"t","externalNetwork":"a","loadBalancerIPs":["30.10.0.9"],"ports":[{"port":80}]}""", 201);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task A_service_that_waits_for_an_address_gets_it_when_the_holder_is_deleted()
    {
        await NetworkAsync("full", "n", """[{"cidr":"30.11.0.0/30"}]""");
        var holder = await ServiceAsync("full", """{"name":"holder","externalNetwork":"n","ports":[{"port":80}]}""", 201);
        var waiting = await api.PostAsync("/v1/namespaces/full/services", """{"name":"waiting","externalNetwork":"n","ports":[{"port":80}]}""");
        Assert.Equal(("Pending", "AddressesExhausted"), (State(waiting), Reason(waiting)));
        Assert.Equal(0, await Lifecycle.ServePendingAsync([Uid(waiting.Json!)], CancellationToken.None));
        (await api.DeleteAsync(holder)).Expect(204);
        Assert.Equal(1, await Lifecycle.ServePendingAsync([Uid(waiting.Json!)], CancellationToken.None));
        Assert.Equal("30.11.0.2", Externals(await api.GetAsync("/v1/namespaces/full/services/waiting")));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task A_service_that_changes_to_a_family_without_a_free_address_waits_for_it()
    {
        await NetworkAsync("turn", "n", """[{"cidr":"30.23.0.0/24"},{"cidr":"2a00:23::/128"}]""");
        var holder = await ServiceAsync("turn", """{"name":"holder","externalNetwork":"n","ipFamilies":["IPv6"],"ports":[{"port":80}]}""", 201);
        var path = await ServiceAsync("turn", """{"name":"s","externalNetwork":"n","ports":[{"port":80}]}""", 201);
        var turned = (await api.PatchAsync(path, """{"ipFamilies":["IPv6"]}""")).Expect(200);
        Assert.Equal(("Pending", "AddressesExhausted", ""), (State(turned), Reason(turned), Externals(turned)));
        (await api.DeleteAsync(holder)).Expect(204);
        Assert.Equal(1, await Lifecycle.ServePendingAsync([Uid(turned.Json!)], CancellationToken.None));
        Assert.Equal("2a00:23::", Externals(await api.GetAsync(path)));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task A_requested_address_selects_the_network_that_contains_it_and_replaces_the_held_one()
    {
        await SelectorAsync("ask");
        await NetworkAsync("ask", "first", """[{"cidr":"30.6.0.0/24"}]""", "ask", 9);
        await NetworkAsync("ask", "second", """[{"cidr":"30.6.1.0/24"}]""", "ask");
        var path = await ServiceAsync("ask", """{"name":"s","externalNetworkSelector":"ask","loadBalancerIPs":["30.6.1.50"],"ports":[{"port":80}]}""", 201);
        Assert.Equal("30.6.1.50", Externals(await api.GetAsync(path)));
        Assert.Equal("30.6.0.50", Externals((await api.PatchAsync(path, """{"loadBalancerIPs":["30.6.0.50"]}""")).Expect(200)));
        Assert.Equal("30.6.0.50", Externals((await api.PatchAsync(path, """{"loadBalancerIPs":null}""")).Expect(200)));
        foreach (var wrong in new[] { "30.6.9.1", "30.6.0.0", "30.6.0.1", "30.6.0.255" })
        {
            var refused = (await api.PatchAsync(path, $$"""{"loadBalancerIPs":["{{wrong}}"]}""")).Expect(400);
            Assert.Equal("address-out-of-range", refused.Code);
        }

        Assert.Equal("30.6.0.50", Externals(await api.GetAsync(path)));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task A_change_of_type_or_ports_keeps_all_other_addresses_and_node_ports()
    {
        await NetworkAsync("type", "n", """[{"cidr":"30.7.0.0/24"}]""");
        var path = await ServiceAsync("type", """{"name":"s","externalNetwork":"n","ports":[{"name":"a","port":80},{"name":"b","port":81}]}""", 201);
        var before = (await api.GetAsync(path)).Json!;
        var plus = (await api.PutAsync(path, """{"externalNetwork":"n","ports":[{"name":"c","port":82},{"name":"a","port":80},{"name":"b","port":81}]}""")).Expect(200);
        Assert.Equal((int?)before["ports"]![0]!["nodePort"], (int?)plus.Json!["ports"]![1]!["nodePort"]);
        Assert.Equal((int?)before["ports"]![1]!["nodePort"], (int?)plus.Json["ports"]![2]!["nodePort"]);
        Assert.Equal("30.7.0.2", Externals(plus));
        var cluster = (await api.PatchAsync(path, """{"type":"ClusterIP"}""")).Expect(200);
        Assert.Equal("", Externals(cluster));
        Assert.Null((int?)cluster.Json!["ports"]![0]!["nodePort"]);
        Assert.Equal(before["status"]!["clusterIPs"]!.ToJsonString(), cluster.Json["status"]!["clusterIPs"]!.ToJsonString());
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task A_deletion_waits_for_the_vRouters_and_then_frees_all_addresses_and_node_ports()
    {
        await NetworkAsync("del", "n", """[{"cidr":"30.8.0.0/24"}]""", more: """ "quarantineSeconds":0,""");
        var path = await ServiceAsync("del", """{"name":"s","externalNetwork":"n","ports":[{"port":80}]}""", 201);
        var uid = Uid((await api.GetAsync(path)).Json!);
        await ExecuteAsync("INSERT INTO virtual_router (uid, name, labels, annotations, generation, created_at, updated_at, address, admin_down) VALUES ('00000000-0000-0000-0000-0000000000d1', 'vr-del', '{}', '{}', 1, now(), now(), '192.0.2.1', false)");
        await ExecuteAsync("INSERT INTO virtual_router_status (uid, connected, lost, desired_revision, applied_revision, applied_position) VALUES ('00000000-0000-0000-0000-0000000000d1', true, false, 0, 0, 0)");
        try
        {
            var deleting = (await api.DeleteAsync(path)).Expect(202);
            Assert.Equal(("Deleting", "30.8.0.2"), (State(deleting), Externals(deleting)));
            (await api.DeleteAsync(path)).Expect(202);
            Assert.Equal("being-deleted", (await api.PostAsync(path[..path.LastIndexOf('/')], $$"""{"name":"{{path[(path.LastIndexOf('/') + 1)..]}}","ports":[{"port":80}]}""")).Expect(409).Code);
            Assert.Equal("being-deleted", (await api.PatchAsync(path, """{"labels":{"a":"b"}}""")).Expect(409).Code);
            foreach (var name in deleting.Json!["status"]!["floatingIPs"]!.AsArray())
                Assert.Equal("being-deleted", (await api.PutAsync($"/v1/namespaces/del/floating-ips/{name}", "{}")).Expect(409).Code);
            Assert.Equal("address-in-use", (await api.PostAsync("/v1/namespaces/del/services", """{"name":"t","externalNetwork":"n","loadBalancerIPs":["30.8.0.2"],"ports":[{"port":80}]}""")).Expect(409).Code);
            await ExecuteAsync("INSERT INTO advertisement (control_node, floating_ip_uid, routes) SELECT 'cn1', uid, '[]' FROM floating_ip WHERE address = '30.8.0.2'");
            Assert.Equal(0, await Lifecycle.FinalizeAsync([uid], [], CancellationToken.None));
            await ExecuteAsync("DELETE FROM advertisement");
            Assert.Equal(3, await Lifecycle.FinalizeAsync([uid], [], CancellationToken.None));
        }
        finally
        {
            await ExecuteAsync("DELETE FROM virtual_router WHERE name = 'vr-del'");
        }

        (await api.GetAsync(path)).Expect(404);
        Assert.Equal("30.8.0.2", Externals(await api.PostAsync("/v1/namespaces/del/services", """{"name":"t","externalNetwork":"n","ports":[{"port":80}]}""")));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task Dry_runs_and_repeated_idempotency_keys_allocate_nothing_more()
    {
        await NetworkAsync("dry", "n", """[{"cidr":"30.9.0.0/24"}]""");
        const string Body = """{"name":"s","externalNetwork":"n","ports":[{"port":80}]}""";
        Assert.Equal("30.9.0.2", Externals((await api.PostAsync("/v1/namespaces/dry/services?dryRun=true", Body)).Expect(201)));
        (await api.GetAsync("/v1/namespaces/dry/services/s")).Expect(404);
        var first = (await api.PostAsync("/v1/namespaces/dry/services", Body, ("Idempotency-Key", "k1"))).Expect(201);
        Assert.Equal("30.9.0.2", Externals(first));
        Assert.Equal(first.Text, (await api.PostAsync("/v1/namespaces/dry/services", Body, ("Idempotency-Key", "k1"))).Expect(201).Text);
        Assert.Equal("idempotency-key-reused", (await api.PostAsync("/v1/namespaces/dry/services", """{"name":"u","ports":[{"port":80}]}""", ("Idempotency-Key", "k1"))).Expect(409).Code);
        (await api.PatchAsync("/v1/namespaces/dry/services/s?dryRun=true", """{"type":"ClusterIP"}""")).Expect(200);
        Assert.Equal("30.9.0.2", Externals(await api.GetAsync("/v1/namespaces/dry/services/s")));
        (await api.DeleteAsync("/v1/namespaces/dry/services/s?dryRun=true")).Expect(204);
        (await api.GetAsync("/v1/namespaces/dry/services/s")).Expect(200);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Theory]
    [InlineData("""{"name":"Bad","ports":[]}""", "name ports")]
    [InlineData("""{"name":"s"}""", "ports")]
    [InlineData("""{"name":"s","ports":[{"port":0},{"port":65536},{"port":80,"targetPort":0},{"port":80}]}""", "ports[0].port ports[1].port ports[2].targetPort ports[3].port")]
    [InlineData("""{"name":"s","ports":[{"name":"a","port":1},{"name":"a","port":2},{"name":"B","port":3}]}""", "ports[1].name ports[2].name")]
    [InlineData("""{"name":"s","ports":[{"port":1,"nodePort":80},{"port":2,"nodePort":30001},{"port":3,"nodePort":30001}]}""", "ports[0].nodePort ports[2].nodePort")]
    [InlineData("""{"name":"s","ports":[{"port":1,"protocol":"ICMP"}],"type":"ExternalName","colour":1}""", "ports[0].protocol type colour")]
    [InlineData("""{"name":"s","ports":[{"port":1}],"externalNetwork":"a/b/c","externalNetworkSelector":"x"}""", "externalNetwork externalNetworkSelector")]
    [InlineData("""{"name":"s","ports":[{"port":1}],"loadBalancerIPs":["1.2.3.3","1.2.3.4"]}""", "loadBalancerIPs[1]")]
    [InlineData("""{"name":"s","ports":[{"port":1}],"loadBalancerIPs":["10.1","fd00::1"]}""", "loadBalancerIPs[0] loadBalancerIPs[1]")]
    [InlineData("""{"name":"s","ports":[{"port":1}],"ipFamilies":["IPv4","IPv6"],"ipFamilyPolicy":"SingleStack"}""", "ipFamilyPolicy")]
    [InlineData("""{"name":"s","ports":[{"port":1}],"ipFamilies":["IPv4","IPv4"],"loadBalancerSourceRanges":["10.0.0.1/8","10.0.0.0/33","::/0"]}""", "ipFamilies loadBalancerSourceRanges[0] loadBalancerSourceRanges[1]")]
    [InlineData("""{"name":"s","ports":[{"port":1}],"selector":{"a~b":"x","ok":"-"}}""", "selector[a~b] selector[ok]")]
    public async Task All_faults_of_a_service_are_named(string body, string paths)
    {
        var refused = (await api.PostAsync("/v1/namespaces/default/services", body)).Expect(400);
        Assert.Equal("validation-failed", refused.Code);
        Assert.Equal(paths.Split(' ').Order(), refused.ErrorPaths.Order());
    }

    [Fact]
    public async Task A_namespace_that_does_not_exist_is_named()
    {
        var refused = (await api.PostAsync("/v1/namespaces/nowhere/services", """{"name":"s","ports":[{"port":80}]}""")).Expect(404);
        Assert.Equal("not-found", refused.Code);
        Assert.Contains("nowhere", (string?)refused.Json!["detail"], StringComparison.Ordinal);
    }

    private async Task NetworkAsync(string ns, string name, string subnets, string? label = null, int priority = 0, string more = "")
    {
        await api.PutAsync($"/v1/namespaces/{ns}", "{}");
        (await api.PostAsync($"/v1/namespaces/{ns}/external-networks",
            $$"""{"name":"{{name}}","subnets":{{subnets}},{{more}}"priority":{{priority}},"fabricForwarding":true,"labels":{{(label is null ? "{}" : $$"""{"pool":"{{label}}"}""")}}}""")).Expect(201);
    }

    private async Task SelectorAsync(string name) =>
        (await api.PutAsync($"/v1/external-network-selectors/{name}", $$$"""{"networkSelector":{"matchLabels":{"pool":"{{{name}}}"}},"namespaceSelector":{}}""")).Expect(201);

    private async Task<string> ServiceAsync(string ns, string body, int status) => (await api.PostAsync($"/v1/namespaces/{ns}/services", body)).Expect(status).Location!;

    private async Task ExecuteAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(api.ConnectionString);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private static string Externals(Reply reply) => string.Join(' ', reply.Json!["status"]!["externalIPs"]!.AsArray().Select(a => (string?)a));

    private static string? State(Reply reply) => (string?)reply.Json!["status"]!["state"];

    private static string? Reason(Reply reply) => reply.ReasonOf("Allocated");

    private static Guid Uid(JsonNode resource) => (Guid)resource["uid"]!;
}
