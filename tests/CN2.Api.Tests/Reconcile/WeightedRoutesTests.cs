using System.Globalization;
using CN2.Api.Tests.Drivers.GoBgp;
using CN2.Api.Tests.Drivers.GoBgp.Lab;
using CN2.Api.Tests.Fixtures;
using CN2.Network.Resources;

namespace CN2.Api.Tests.Reconcile;

/// <summary>From the weights and the health of endpoints to the routes in a router's kernel, with a real gobgpd and FRR (<c>advertisement.weighted</c>).</summary>
public sealed class WeightedRoutesTests(PrivatePostgres postgres) : IDisposable
{
    private readonly BgpLab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task A_node_with_twice_the_endpoints_gets_twice_the_flows_until_one_is_unhealthy()
    {
        var engine = _lab.Keep(new GoBgpd(_lab));
        var frr = _lab.Frr("frr", 245, Spec.Asn, Spec.FrrNeighbor());
        await using var api = new EngineReplica(await postgres.CreateDatabaseAsync(), "cn-a", engine, "172.27.115.241");
        await api.InitializeAsync();
        var compute1 = new FakeNode("compute1", "172.27.115.242");
        var compute2 = new FakeNode("compute2", "172.27.115.243");
        compute1.ConnectTo(api.Agents);
        compute2.ConnectTo(api.Agents);
        (await api.PutAsync("/v1/namespaces/default/external-networks/vn", """{"subnets":[{"cidr":"100.0.0.0/24"}],"fabricForwarding":true,"advertisement":{"weighted":true}}""")).Expect(201);
        (await api.PostAsync("/v1/bgp-routers", """{"name":"frr","address":"172.27.115.245","autonomousSystem":64512}""")).Expect(201);
        (await api.PutAsync("/v1/namespaces/default/service-health-checks/hc", """{"monitorType":"TCP","port":80}""")).Expect(201);
        var first = await EndpointAsync("a1", "compute1", "10.0.0.1");
        var second = await EndpointAsync("a2", "compute1", "10.0.0.2");
        var third = await EndpointAsync("b1", "compute2", "10.0.1.1");
        foreach (var (name, policy) in ((string, string)[])[("web", "Local"), ("all", "Cluster")])
        {
            (await api.PutAsync($"/v1/namespaces/default/services/{name}",
                $$"""{"selector":{"app":"web"},"ports":[{"port":80}],"externalNetwork":"vn","externalTrafficPolicy":"{{policy}}"}""")).Expect(201);
        }

        await Eventually.TrueAsync(() => (compute1.Probes.Count, compute2.Probes.Count) == (2, 1), "the probes", 20);
        compute1.Report(first, EndpointHealth.Healthy);
        compute1.Report(second, EndpointHealth.Healthy);
        compute2.Report(third, EndpointHealth.Healthy);
        await WeightsAsync("100.0.0.2", "172.27.115.242:66", "172.27.115.243:33");
        // With policy Cluster each node reaches all endpoints.
        await WeightsAsync("100.0.0.3", "172.27.115.242:1", "172.27.115.243:1");
        var since = Version("100.0.0.3/32");

        compute1.Report(second, EndpointHealth.Unhealthy);
        await WeightsAsync("100.0.0.2", "172.27.115.242:50", "172.27.115.243:50");
        (await api.PatchAsync("/v1/namespaces/default/virtual-machine-interfaces/b1", """{"weight":4}""")).Expect(200);
        await WeightsAsync("100.0.0.2", "172.27.115.242:20", "172.27.115.243:80");
        Assert.Equal([4], compute2.Table.Values.Single(e => e.Key.Address?.ToString() == "100.0.0.2").Backends.Select(b => b.Weight));
        Assert.Equal("Advertised", (await api.GetAsync("/v1/namespaces/default/services/web")).ReasonOf("Advertised"));
        await Eventually.TrueAsync(async () => (await api.GetAsync("/v1/floating-ips?address=100.0.0.2")).Json!["items"]![0]!["status"]!["routes"]!.AsArray().Select(r => (int?)r!["weight"]).SequenceEqual([1, 4]),
            "the routes say their weights", 10, () => "");
        // Only the paths of the Service whose nodes are worth something else were sent again.
        Assert.Equal(since, Version("100.0.0.3/32"));

        (await api.PatchAsync("/v1/namespaces/default/external-networks/vn", """{"advertisement":{"weighted":false}}""")).Expect(200);
        await WeightsAsync("100.0.0.2", "172.27.115.242:1", "172.27.115.243:1");
        Assert.Equal(1, frr.Session("172.27.115.241").Established);

        async Task<Guid> EndpointAsync(string name, string node, string address) => Guid.Parse((string)(await api.PutAsync($"/v1/namespaces/default/virtual-machine-interfaces/{name}",
            $$"""{"labels":{"app":"web"},"addresses":["{{address}}"],"virtualRouter":"{{node}}","healthCheck":"hc"}""")).Expect(201).Json!["uid"]!);

        Task WeightsAsync(string address, params string[] expected) => Eventually.TrueAsync(
            () => Weights(frr.Kernel(address)).SequenceEqual(expected), string.Join(", ", expected), 40, () => frr.Kernel(address) + frr.Show($"show bgp ipv4 unicast {address}/32") + engine.Output);

        string Version(string prefix) => string.Join(",", frr.Paths(prefix).Select(p => p.GetProperty("version").GetRawText()));
    }

    /// <summary>Of a route as <c>ip</c> shows it: its next hops in order, each with its weight.</summary>
    private static IEnumerable<string> Weights(string route) => route.Split("nexthop via ").Skip(1)
        .Select(hop => hop.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        .Select(words => string.Create(CultureInfo.InvariantCulture, $"{words[0]}:{words[Array.IndexOf(words, "weight") + 1]}")).Order(StringComparer.Ordinal);
}
