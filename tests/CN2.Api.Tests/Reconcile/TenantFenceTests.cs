using CN2.Api.Tests.Drivers.GoBgp;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Reconcile;

/// <summary>The second fence with a real gobgpd and FRR (docs/contract.md §7): what somebody writes straight into the database does not leave.</summary>
public sealed class TenantFenceTests(PrivatePostgres postgres) : IDisposable
{
    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task Rows_outside_of_a_grant_that_somebody_writes_into_the_database_reach_no_router()
    {
        var database = await postgres.CreateDatabaseAsync();
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("frr", 245, Spec.Asn, Spec.FrrVpnNeighbor());
        await using var api = new EngineReplica(database, "cn-a", engine, "172.27.115.241");
        await api.InitializeAsync();
        var node = new FakeNode("compute1", "172.27.115.242") { OverlayEngine = "userspace" };
        node.ConnectTo(api.Agents);
        (await api.PutAsync("/v1/namespaces/tenant", "{}")).Expect(201);
        (await api.PutAsync("/v1/namespaces/tenant/grant", """{"prefixes":["100.0.0.0/24","100.1.0.0/24"],"routeTargets":["target:64512:100-199"],"communities":["64512:*"]}""")).Expect(201);
        (await api.PutAsync("/v1/namespaces/tenant/external-networks/under", """{"subnets":[{"cidr":"100.0.0.0/24"}],"fabricForwarding":true,"advertisement":{"communities":["64512:7"]}}""")).Expect(201);
        (await api.PutAsync("/v1/namespaces/tenant/external-networks/over", """{"subnets":[{"cidr":"100.1.0.0/24"}],"routeTargets":["target:64512:100"]}""")).Expect(201);
        (await api.PutAsync("/v1/namespaces/tenant/virtual-machine-interfaces/pod1", """{"addresses":["10.0.0.1"],"virtualRouter":"compute1"}""")).Expect(201);
        (await api.PostAsync("/v1/bgp-routers", """{"name":"frr","address":"172.27.115.245","autonomousSystem":64512}""")).Expect(201);
        await AttachAsync(api, "u1", "under");
        await AttachAsync(api, "o1", "over");
        await Eventually.TrueAsync(() => frr.Paths("100.0.0.2/32").Count == 1 && frr.VpnPaths("100.1.0.2/32").Count == 1, "what is granted", 40,
            () => frr.Show("show bgp summary") + frr.Show("show bgp ipv4 vpn") + engine.Output);

        // A subnet and a FloatingIP that no request could make, in the document as well, so that the control plane itself is fooled; and a network of its own
        // with a route target, and one with a community, that are not granted.
        await ExecuteAsync(database,
            """
            UPDATE external_network SET spec = jsonb_set(spec, '{subnets}', spec -> 'subnets' || '[{"cidr":"198.51.100.0/24","gateway":"198.51.100.1","ranges":[],"reserved":[]}]') WHERE name = 'under';
            INSERT INTO subnet (external_network_uid, cidr, gateway, position) SELECT uid, '198.51.100.0/24', '198.51.100.1', 1 FROM external_network WHERE name = 'under';
            INSERT INTO floating_ip (uid, namespace, name, labels, annotations, generation, created_at, updated_at, subnet_id, subnet_cidr, address, external_network_uid, reserved, spec)
                SELECT gen_random_uuid(), 'tenant', 'forged', '{}', '{}', 1, now(), now(), s.id, s.cidr, '198.51.100.9', s.external_network_uid, true, '{"interfaces":["pod1"],"portMappings":[]}'
                FROM subnet s WHERE s.cidr = '198.51.100.0/24';
            UPDATE external_network SET spec = jsonb_set(spec, '{exportRouteTargets}', '["target:64512:900"]') WHERE name = 'over';
            INSERT INTO change (kind, namespace, name, uid, verb, status_only) SELECT 2, namespace, name, uid, 2, false FROM external_network;
            INSERT INTO change (kind, namespace, name, uid, verb, status_only) SELECT 5, namespace, name, uid, 1, false FROM floating_ip WHERE name = 'forged';
            """);
        // The control plane believes it: it has a route, and the engine has the path.
        await Eventually.TrueAsync(async () => (await engine.HoldsAsync()).Any(p => $"{p.Prefix}" == "198.51.100.9"), "the forged path is in the engine", 30, () => engine.Output);
        await AttachAsync(api, "u2", "under");
        await AttachAsync(api, "o2", "over");
        await Eventually.TrueAsync(() => frr.Paths("100.0.0.3/32").Count == 1, "what is granted and came later", 30);
        await Eventually.TrueAsync(async () => (await engine.HoldsAsync()).Any(p => $"{p.Prefix}" == "100.1.0.3"), "the path with a route target that is not granted", 30);
        await AttachAsync(api, "u3", "under");
        await Eventually.TrueAsync(() => frr.Paths("100.0.0.4/32").Count == 1, "what is granted and came last", 30);
        Assert.Empty(frr.Paths("198.51.100.9/32"));
        Assert.Empty(frr.VpnPaths("100.1.0.3/32"));
        Assert.Contains("cn2_bgp_paths_held_back", (await api.GetAsync("/metrics")).Text, StringComparison.Ordinal);
        await Eventually.TrueAsync(async () => HeldBack((await api.GetAsync("/metrics")).Text) >= 2, "the metric says so", 10, () => "");
        Assert.Equal("OutsideGrant", (await api.GetAsync("/v1/namespaces/tenant/external-networks/over")).ReasonOf("WithinGrant"));
        Assert.Equal("OutsideGrant", (await api.GetAsync("/v1/namespaces/tenant/external-networks/under")).ReasonOf("WithinGrant"));

        foreach (var held in (string[])["forged", "o2"])
            await Eventually.TrueAsync(async () => (await Shown(held)).ReasonOf("Advertised") == "OutsideGrant", $"{held} says why it has no route", 20);
        Assert.Contains("Namespace tenant is granted", (string)Reply.Condition((await Shown("forged")).Json, "Ready")!["message"]!, StringComparison.Ordinal);
        // A route is out before its status says so.
        await Eventually.TrueAsync(async () => (await Shown("u3")).ReasonOf("Advertised") == "Advertised", "u3 is advertised", 20);

        // A wider grant lets them out.
        (await api.PutAsync("/v1/namespaces/tenant/grant",
            """{"prefixes":["100.0.0.0/24","100.1.0.0/24","198.51.100.0/24"],"routeTargets":["target:64512:*"],"communities":["64512:*"]}""")).Expect(200);
        await Eventually.TrueAsync(() => frr.Paths("198.51.100.9/32").Count == 1 && frr.VpnPaths("100.1.0.3/32").Count == 1, "what is granted now", 30);
        foreach (var held in (string[])["forged", "o2"])
            await Eventually.TrueAsync(async () => (await Shown(held)).ReasonOf("Advertised") == "Advertised", $"{held} is advertised", 20);
        Assert.Equal(1, frr.Session("172.27.115.241").Established);

        Task<Reply> Shown(string floatingIP) => api.GetAsync($"/v1/namespaces/tenant/floating-ips/{floatingIP}");
    }

    private static int HeldBack(string metrics) =>
        metrics.Split('\n').Where(l => l.StartsWith("cn2_bgp_paths_held_back", StringComparison.Ordinal)).Select(l => (int)double.Parse(l.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture)).FirstOrDefault();

    private static async Task AttachAsync(ApiServer api, string name, string network) =>
        (await api.PutAsync($"/v1/namespaces/tenant/floating-ips/{name}", $$"""{"externalNetwork":"{{network}}","interfaces":["pod1"]}""")).Expect(201);

    private static async Task ExecuteAsync(string database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
