using CN2.Api.Tests.Drivers.GoBgp;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Reconcile;

/// <summary>
/// The fence of a control node that is gone (docs/contract.md §2), with two control nodes, each with a real gobgpd, and FRR as the router: an
/// address is not given again while the router has a route to it.
/// </summary>
public sealed class FencingTests(PrivatePostgres postgres) : IDisposable
{
    private const string Address = "100.0.0.2", Other = "100.0.0.3";
    private static readonly string Web = ControlPlane.Path("web");

    private const string LastSeen = "SELECT last_seen_at FROM control_node WHERE name = 'cn-b'";

    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task The_address_of_a_deleted_service_is_free_only_when_the_router_has_no_route_to_it_from_a_dead_control_node()
    {
        var database = await postgres.CreateDatabaseAsync();
        var engineA = _lab.Keep(new GoBgpd(_lab));
        var engineB = _lab.Keep(new GoBgpd(_lab, "gobgp2", _lab.AddHost("control2", 246)));
        var frr = _lab.Frr("frr", 245, Spec.Asn, string.Join('\n', Spec.FrrNeighbor(), Spec.FrrNeighbor().Replace("172.27.115.241", "172.27.115.246", StringComparison.Ordinal)));
        await using var b = new EngineReplica(database, "cn-b", engineB, "172.27.115.246");
        var a = new EngineReplica(database, "cn-a", engineA, "172.27.115.241");
        var node = new FakeNode("compute1", "172.27.115.242");
        await using (a)
        {
            await b.InitializeAsync();
            await a.InitializeAsync();
            node.ConnectTo(b.Agents);
            (await b.PostAsync("/v1/namespaces/default/external-networks", """
                {"name":"vn","labels":{"service.contrail.juniper.net/externalNetwork":"default-external"},"subnets":[{"cidr":"100.0.0.0/24"}],"fabricForwarding":true}
                """)).Expect(201);
            (await b.PostAsync("/v1/bgp-routers", """{"name":"frr","address":"172.27.115.245","autonomousSystem":64512,"gracefulRestart":{"enabled":true,"restartTime":5}}""")).Expect(201);
            (await b.PutAsync("/v1/namespaces/default/virtual-machine-interfaces/pod1", """{"labels":{"app":"web"},"addresses":["10.0.0.1"],"virtualRouter":"compute1"}""")).Expect(201);
            await CreateAsync(b, "web");
            await Eventually.TrueAsync(() => frr.Paths(Address + "/32").Count == 2, "a route by each control node", 30, () => frr.Show("show bgp summary"));
        }

        // The process is gone, its engine is not. The routes of the other control node go.
        Assert.Equal(2, frr.Paths(Address + "/32").Count);
        (await b.DeleteAsync(Web)).Expect(202);
        await Eventually.TrueAsync(() => frr.Paths(Address + "/32").Count == 1, "the route of the dead control node", 20);
        await UntilReadyIsAsync(b, Web, "False/AwaitingControlNodes");
        // Long after the router's restart time (5 s) the leader has forgotten what it may forget.
        await QueryAsync(database, "UPDATE control_node SET last_seen_at = last_seen_at - interval '1 hour' WHERE name = 'cn-a' RETURNING last_seen_at");
        var seen = await QueryAsync(database, LastSeen);
        await Eventually.TrueAsync(async () => await QueryAsync(database, LastSeen) > seen.AddSeconds(3), "cn-b has beaten twice", 30);
        await CreateAsync(b, "next");
        await UntilReadyIsAsync(b, ControlPlane.Path("next"), "True/Ready");
        Assert.Equal([Other], await AddressesAsync(b, "next"));
        Assert.Single(frr.Paths(Address + "/32"));

        // Back again, it withdraws what nobody wants any more, and only then is the address free.
        await using var again = new EngineReplica(database, "cn-a", engineA, "172.27.115.241");
        await again.InitializeAsync();
        await Eventually.TrueAsync(async () => (await b.GetAsync(Web)).Status == 404, "the Service is gone", 40, () => frr.Show($"show bgp ipv4 unicast {Address}/32"));
        Assert.Empty(frr.Paths(Address + "/32"));
        await Eventually.TrueAsync(() => frr.Paths(Other + "/32").Count == 2, "both announce the other Service", 20);
    }

    private static async Task<DateTime> QueryAsync(string database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(sql);
        return (DateTime)(await command.ExecuteScalarAsync())!;
    }

    private static async Task CreateAsync(ApiServer api, string name) =>
        (await api.PutAsync(ControlPlane.Path(name), """{"selector":{"app":"web"},"ports":[{"port":8080,"targetPort":80}]}""")).Expect(201);

    private static async Task<IEnumerable<string?>> AddressesAsync(ApiServer api, string name) =>
        (await api.GetAsync(ControlPlane.Path(name))).Json!["status"]!["externalIPs"]!.AsArray().Select(a => (string?)a);

    private static async Task UntilReadyIsAsync(ApiServer api, string path, string expected)
    {
        var last = "";
        await Eventually.TrueAsync(async () => (last = ControlPlane.ConditionOf(await api.GetAsync(path), "Ready")) == expected, $"{path} is {expected}", 30, () => last);
    }
}
