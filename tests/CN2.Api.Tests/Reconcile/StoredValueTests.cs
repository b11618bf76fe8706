using CN2.Api.Tests.Fixtures;
using CN2.Network.Addressing;

namespace CN2.Api.Tests.Reconcile;

/// <summary>What a resource says in words arrives in the engine and on the nodes as the value that is meant.</summary>
public sealed class StoredValueTests(PrivatePostgres postgres)
{
    private const string Address = "100.0.0.2";

    [Fact]
    public async Task Every_well_known_community_is_announced()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        const string Names = """["BLACKHOLE","GRACEFUL_SHUTDOWN","NOPEER","NO_ADVERTISE","NO_EXPORT","NO_EXPORT_SUBCONFED"]""";
        (await plane.Api.PatchAsync("/v1/namespaces/default/external-networks/vn", $$$"""{"advertisement":{"communities":{{{Names}}}}}""")).Expect(200);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        var path = Assert.Single(plane.Api.Speaker.Paths, p => p.Prefix.ToString() == Address);
        Assert.Equal(6, path.Communities.Count);
    }

    [Fact]
    public async Task A_stored_value_that_today_is_refused_does_not_stop_other_resources()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        (await plane.Api.PostAsync("/v1/namespaces/default/external-networks", """{"name":"old","subnets":[{"cidr":"101.0.0.0/24"}],"fabricForwarding":true}""")).Expect(201);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.EndpointAsync("pod2", "compute1", "10.0.0.2");
        await plane.ServiceAsync("web");
        await plane.ServiceAsync("odd", ""","externalNetwork":"old" """);
        await plane.ServiceAsync("broken", ""","loadBalancerSourceRanges":["10.0.0.0/8"] """);
        foreach (var service in new[] { "web", "odd", "broken" }) await plane.UntilReadyAsync(service);

        await plane.StopAsync(plane.Api);
        await plane.QueryAsync<int>("""
            WITH a AS (UPDATE external_network SET spec = jsonb_set(spec, '{advertisement,communities}', '["65535:65281"]') WHERE name = 'vn' RETURNING 1),
                b AS (UPDATE external_network SET spec = jsonb_set(spec, '{advertisement,communities}', '["64512:1","nonsense"]') WHERE name = 'old' RETURNING 1),
                c AS (UPDATE service SET spec = jsonb_set(spec, '{loadBalancerSourceRanges}', '["everybody"]') WHERE name = 'broken' RETURNING 1),
                d AS (UPDATE virtual_machine_interface SET addresses = '{127.0.0.1}' WHERE name = 'pod2' RETURNING 1),
                e AS (UPDATE virtual_router SET address6 = 'fe80::242' WHERE name = 'compute1' RETURNING 1),
                f AS (UPDATE bgp_router SET spec = jsonb_set(spec, '{holdTime}', '0') RETURNING 1)
            SELECT count(*)::int FROM (SELECT * FROM a UNION ALL SELECT * FROM b UNION ALL SELECT * FROM c UNION ALL SELECT * FROM d UNION ALL SELECT * FROM e UNION ALL SELECT * FROM f) x
            """);
        var api = await plane.AddAsync("cn-a", plane.Engine);
        plane.Compute1.ConnectTo(api.Agents);
        plane.Compute2.ConnectTo(api.Agents);
        await api.EstablishAsync("vmx1");

        await plane.UntilConditionAsync(ControlPlane.Path("odd"), "Advertised", "False/AdvertisementUnreadable");
        var message = (string?)Reply.Condition((await api.GetAsync(ControlPlane.Path("odd"))).Json, "Advertised")!["message"];
        Assert.Contains("'nonsense' is not a community", message, StringComparison.Ordinal);
        await ControlPlane.UntilAsync(() => plane.Api.Speaker.Paths.Any(p => p.Prefix.ToString() == Address && p.Communities is [var only] && only == BgpCommunity.NoExport));
        await plane.UntilReadyAsync("web");
        Assert.Single(api.Speaker.Paths);
        await ControlPlane.UntilAsync(() => plane.Compute1.Entries(Address).SelectMany(e => e.Backends).Select(b => b.Address.ToString()).SequenceEqual(["10.0.0.1"]));

        var network = (await api.GetAsync("/v1/namespaces/default/external-networks/vn")).Expect(200);
        Assert.Equal("""["NO_EXPORT"]""", network.Json!["advertisement"]!["communities"]!.ToJsonString());
        Assert.Equal(network.ETag, (await api.PutAsync("/v1/namespaces/default/external-networks/vn", network.Text)).Expect(200).ETag);
        var router = (await api.GetAsync("/v1/bgp-routers/vmx1")).Expect(200);
        Assert.Equal(90, (int)router.Json!["holdTime"]!);
        Assert.Equal(router.ETag, (await api.PutAsync("/v1/bgp-routers/vmx1", router.Text)).Expect(200).ETag);
    }

    [Fact]
    public async Task Names_of_communities_are_read_in_any_spelling_and_answered_in_one()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        const string Path = "/v1/namespaces/default/external-networks/vn";
        var changed = (await plane.Api.PatchAsync(Path, """{"advertisement":{"communities":["no-export","65535:65281","blackhole","64512:1"]}}""")).Expect(200);
        Assert.Equal("""["64512:1","BLACKHOLE","NO_EXPORT"]""", changed.Json!["advertisement"]!["communities"]!.ToJsonString());
        var again = (await plane.Api.PatchAsync(Path, """{"advertisement":{"communities":["No_Export","BLACKHOLE","64512:1"]}}""")).Expect(200);
        Assert.Equal(changed.ETag, again.ETag);
    }
}
