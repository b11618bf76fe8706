using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Grants;

/// <summary>The reconciler sleeps: what is deleted goes at once, or is deleting for ever.</summary>
public sealed class QuotaTests(ApiServerWithoutReconciler api) : IClassFixture<ApiServerWithoutReconciler>
{
    private static readonly ConcurrentDictionary<string, int> Tenants = new(StringComparer.Ordinal);
    private static int _networks;

    [Fact]
    public async Task Each_resource_stops_at_its_quota_and_says_used_and_limit()
    {
        await TenantAsync("each", """{"services":2,"floatingIPs":3,"nodePorts":2,"virtualMachineInterfaces":2,"externalNetworks":1}""");
        var services = "/v1/namespaces/each/services";
        (await api.PostAsync(services, """{"name":"a","ports":[{"port":80},{"port":81}]}""")).Expect(201);
        var ports = (await api.PostAsync(services, """{"name":"b","ports":[{"port":80}]}""")).Expect(403);
        Expect(ports, "nodePorts", 2, 2);
        (await api.PostAsync(services, """{"name":"b","allocateLoadBalancerNodePorts":false,"ports":[{"port":80}]}""")).Expect(201);
        Expect((await api.PostAsync(services, """{"name":"c","type":"ClusterIP","ports":[{"port":80}]}""")).Expect(403), "services", 2, 2);
        // A repeat of a create says so, and not that there is no room.
        Assert.Equal("already-exists", (await api.PostAsync(services, """{"name":"b","allocateLoadBalancerNodePorts":false,"ports":[{"port":80}]}""")).Expect(409).Code);

        (await api.PostAsync("/v1/namespaces/each/floating-ips", """{"name":"f","externalNetwork":"net"}""")).Expect(201);
        Expect((await api.PostAsync("/v1/namespaces/each/floating-ips", """{"name":"g","externalNetwork":"net"}""")).Expect(403), "floatingIPs", 3, 3);
        Expect((await api.PostAsync("/v1/namespaces/each/floating-ips?dryRun=true", """{"name":"g","externalNetwork":"net"}""")).Expect(403), "floatingIPs", 3, 3);

        Expect((await api.PutAsync("/v1/namespaces/each/external-networks/more", Network("each"))).Expect(403), "externalNetworks", 1, 1);

        (await api.PostAsync("/v1/namespaces/each/virtual-machine-interfaces:batch", Batch("each", 0, 2))).Expect(200);
        (await api.PostAsync("/v1/namespaces/each/virtual-machine-interfaces:batch", Batch("each", 0, 2))).Expect(200);
        Expect((await api.PostAsync("/v1/namespaces/each/virtual-machine-interfaces:batch", Batch("each", 1, 2))).Expect(403), "virtualMachineInterfaces", 2, 2);
        await CountedAsync("each");
        Assert.Equal("""{"services":2,"floatingIPs":3,"nodePorts":2,"virtualMachineInterfaces":2,"externalNetworks":1}""", (await UsedAsync("each")).ToJsonString());
    }

    [Fact]
    public async Task A_quota_below_what_is_in_use_takes_nothing_away_and_gives_no_more()
    {
        await TenantAsync("below", "{}");
        for (var i = 0; i < 3; i++) (await api.PostAsync("/v1/namespaces/below/services", $$"""{"name":"s{{i}}","type":"ClusterIP","ports":[{"port":80}]}""")).Expect(201);
        await GrantAsync("below", """{"services":1}""");
        Expect((await api.PostAsync("/v1/namespaces/below/services", """{"name":"t","type":"ClusterIP","ports":[{"port":80}]}""")).Expect(403), "services", 3, 1);
        (await api.PatchAsync("/v1/namespaces/below/services/s0", """{"labels":{"a":"b"}}""")).Expect(200);
        (await api.DeleteAsync("/v1/namespaces/below/services/s0")).Expect(204);
        Expect((await api.PostAsync("/v1/namespaces/below/services", """{"name":"t","type":"ClusterIP","ports":[{"port":80}]}""")).Expect(403), "services", 2, 1);
        (await api.DeleteAsync("/v1/namespaces/below/services/s1")).Expect(204);
        (await api.DeleteAsync("/v1/namespaces/below/services/s2")).Expect(204);
        (await api.PostAsync("/v1/namespaces/below/services", """{"name":"t","type":"ClusterIP","ports":[{"port":80}]}""")).Expect(201);
        await CountedAsync("below");
    }

    [Fact]
    public async Task A_changed_Service_counts_with_what_it_grows_by()
    {
        await TenantAsync("grow", """{"floatingIPs":1,"nodePorts":2}""");
        var path = "/v1/namespaces/grow/services/s";
        (await api.PutAsync(path, """{"type":"ClusterIP","ports":[{"port":80}]}""")).Expect(201);
        (await api.PutAsync(path, """{"ports":[{"port":80}]}""")).Expect(200);
        (await api.PutAsync(path, """{"ports":[{"port":80},{"port":81}]}""")).Expect(200);
        Expect((await api.PutAsync(path, """{"ports":[{"port":80},{"port":81},{"port":82}]}""")).Expect(403), "nodePorts", 2, 2);
        (await api.PutAsync(path, """{"ports":[{"port":90},{"port":91}]}""")).Expect(200); // as many as before
        await CountedAsync("grow");
        (await api.PutAsync(path, """{"type":"ClusterIP","ports":[{"port":80}]}""")).Expect(200);
        await CountedAsync("grow");
        // The address that it left counts until it is gone.
        Expect((await api.PostAsync("/v1/namespaces/grow/floating-ips", """{"name":"f","externalNetwork":"net"}""")).Expect(403), "floatingIPs", 1, 1);
    }

    [Fact]
    public async Task A_claimed_FloatingIP_counts_once()
    {
        await TenantAsync("claim", """{"floatingIPs":1}""");
        var address = (string)(await api.PostAsync("/v1/namespaces/claim/floating-ips", """{"name":"f","externalNetwork":"net"}""")).Expect(201).Json!["address"]!;
        (await api.PostAsync("/v1/namespaces/claim/services", $$"""{"name":"s","loadBalancerIPs":["{{address}}"],"ports":[{"port":80}]}""")).Expect(201);
        await CountedAsync("claim");
        (await api.DeleteAsync("/v1/namespaces/claim/services/s")).Expect(204);
        Assert.Equal(1, (long)(await CountedAsync("claim"))["floatingIPs"]!);
    }

    [Fact]
    public async Task Of_two_requests_at_the_limit_exactly_one_gets_it()
    {
        await TenantAsync("two", """{"services":1,"virtualMachineInterfaces":1}""");
        for (var round = 0; round < 40; round++)
        {
            var replies = await Task.WhenAll(
                api.PostAsync("/v1/namespaces/two/services", """{"name":"a","type":"ClusterIP","ports":[{"port":80}]}"""),
                api.PutAsync("/v1/namespaces/two/services/b", """{"type":"ClusterIP","ports":[{"port":80}]}"""),
                api.PutAsync("/v1/namespaces/two/virtual-machine-interfaces/a", """{"addresses":["10.200.0.1"],"virtualRouter":"compute1"}"""),
                api.PutAsync("/v1/namespaces/two/virtual-machine-interfaces/b", """{"addresses":["10.200.0.2"],"virtualRouter":"compute1"}"""));
            foreach (var pair in replies.Chunk(2))
            {
                Assert.Single(pair, r => r.Status == 201);
                Assert.Equal("quota-exceeded", pair.Single(r => r.Status != 201).Expect(403).Code);
            }

            await CountedAsync("two");
            foreach (var collection in (string[])["services", "virtual-machine-interfaces"])
                foreach (var name in (string[])["a", "b"]) await api.DeleteAsync($"/v1/namespaces/two/{collection}/{name}");
            Assert.Equal(0, (long)(await CountedAsync("two"))["services"]!);
        }
    }

    [Fact]
    public async Task Of_many_creates_that_share_transactions_only_those_beyond_the_limit_are_refused()
    {
        await TenantAsync("many", """{"services":25}""");
        await TenantAsync("free", null);
        var replies = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => api.PostAsync(
            $"/v1/namespaces/{(i % 2 == 0 ? "many" : "free")}/services", $$"""{"name":"s{{i}}","type":"ClusterIP","ports":[{"port":80}]}""")));
        Assert.Equal(100, replies.Where((_, i) => i % 2 == 1).Count(r => r.Status == 201));
        Assert.Equal(25, replies.Where((_, i) => i % 2 == 0).Count(r => r.Status == 201));
        Assert.All(replies.Where(r => r.Status != 201), r => Assert.Equal("quota-exceeded", r.Expect(403).Code));
        Assert.Equal(25, (long)(await CountedAsync("many"))["services"]!);
    }

    [Fact]
    public async Task A_grant_that_begins_while_others_write_counts_what_they_leave()
    {
        await TenantAsync("begin", null);
        for (var round = 0; round < 15; round++)
        {
            var writes = Enumerable.Range(0, 12).Select(i => i % 3 == 2
                ? api.DeleteAsync($"/v1/namespaces/begin/services/s{round - 1}-{i - 1}")
                : api.PostAsync("/v1/namespaces/begin/services", $$"""{"name":"s{{round}}-{{i}}","ports":[{"port":80}]}""")).ToList();
            await GrantAsync("begin", """{"services":100000}""");
            await Task.WhenAll(writes);
            await CountedAsync("begin");
            (await api.DeleteAsync("/v1/namespaces/begin/grant")).Expect(204);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task After_random_operations_what_is_counted_is_what_is_there(int seed)
    {
        var random = new Random(seed);
        var ns = $"random-{seed}";
        await TenantAsync(ns, """{"services":6,"floatingIPs":7,"nodePorts":9,"virtualMachineInterfaces":5,"externalNetworks":3}""");
        await TenantAsync($"{ns}-b", null);
        for (var step = 0; step < 25; step++)
        {
            await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => OperationAsync(random.Next(10), $"/v1/namespaces/{ns}", random.Next(8), random.Next(1, 4))).ToList());
            var used = await CountedAsync(ns);
            foreach (var (resource, most) in ((string, long)[])[("services", 6), ("floatingIPs", 7), ("nodePorts", 9), ("virtualMachineInterfaces", 5), ("externalNetworks", 3)])
                Assert.InRange((long)used[resource]!, 0, most);
        }
    }

    private async Task OperationAsync(int operation, string ns, int number, int size)
    {
        var ports = string.Join(',', Enumerable.Range(80, size).Select(p => $$"""{"port":{{p}}}"""));
        _ = operation switch
        {
            0 => await api.PostAsync($"{ns}/services", $$"""{"name":"s{{number}}","ports":[{{ports}}]}"""),
            1 => await api.PutAsync($"{ns}/services/s{{number}}", $$"""{"type":"ClusterIP","ports":[{{ports}}]}"""),
            2 => await api.PutAsync($"{ns}/services/s{number}", $$"""{"type":"NodePort","ports":[{{ports}}]}"""),
            3 => await api.PutAsync($"{ns}/services/s{number}?dryRun=true", $$"""{"ports":[{{ports}}]}"""),
            4 => await api.DeleteAsync($"{ns}/services/s{number}"),
            5 => await api.PutAsync($"{ns}/floating-ips/f{number}", """{"externalNetwork":"net"}"""),
            6 => await api.DeleteAsync($"{ns}/floating-ips/f{number}"),
            7 => await api.PostAsync($"{ns}/virtual-machine-interfaces:batch", Batch(ns.Split('/')[^1], number, size)),
            8 => await api.DeleteAsync($"{ns}/virtual-machine-interfaces/v{number}"),
            _ => await api.PutAsync($"{ns}/external-networks/n{number}", Network(ns.Split('/')[^1])),
        };
    }

    private static void Expect(Reply reply, string resource, long used, long limit)
    {
        Assert.Equal("quota-exceeded", reply.Code);
        Assert.Equal((used, limit), ((long)reply.Json!["used"]!, (long)reply.Json["limit"]!));
        Assert.Contains($"uses {used} of at most {limit} {resource}", (string)reply.Json["detail"]!, StringComparison.Ordinal);
    }

    /// <summary>Nodes of the namespace alone, where its addresses are free: only the quota refuses.</summary>
    private static string Batch(string ns, int first, int count) =>
        $$"""{"items":[{{string.Join(',', Enumerable.Range(first, count).Select(i => $$"""{"name":"v{{i}}","addresses":["10.{{100 + i}}.0.1"],"virtualRouter":"{{ns}}-{{i}}"}"""))}}]}""";

    private static string Network(string ns) => $$"""{"subnets":[{"cidr":"60.{{Tenant(ns)}}.{{Interlocked.Increment(ref _networks) % 256}}.0/24"}]}""";

    private static int Tenant(string ns) => Tenants.GetOrAdd(ns, _ => Tenants.Count + 1);

    /// <summary>A namespace with a network that its Services find, and a grant with this quota; null: none.</summary>
    private async Task TenantAsync(string ns, string? quota)
    {
        (await api.PutAsync($"/v1/namespaces/{ns}", "{}")).Expect(201);
        (await api.PutAsync($"/v1/namespaces/{ns}/external-networks/net",
            $$"""{"labels":{"service.contrail.juniper.net/externalNetwork":"default-external"},"subnets":[{"cidr":"61.{{Tenant(ns)}}.0.0/24"}]}""")).Expect(201);
        if (quota is not null) await GrantAsync(ns, quota);
    }

    private async Task GrantAsync(string ns, string quota) => Assert.Contains(
        (await api.PutAsync($"/v1/namespaces/{ns}/grant", $$"""{"prefixes":["60.{{Tenant(ns)}}.0.0/16"],"quota":{{quota}}}""")).Status, (int[])[200, 201]);

    private async Task<JsonNode> UsedAsync(string ns) => (await api.GetAsync($"/v1/namespaces/{ns}/grant")).Expect(200).Json!["status"]!["used"]!;

    /// <summary>What is counted is what the tables have.</summary>
    private async Task<JsonNode> CountedAsync(string ns)
    {
        await using var source = NpgsqlDataSource.Create(api.ConnectionString);
        await using var command = source.CreateCommand(
            """
            SELECT (SELECT count(*) FROM service WHERE namespace = $1), (SELECT count(*) FROM floating_ip WHERE namespace = $1 AND external_network_uid IS NOT NULL),
                (SELECT count(*) FROM node_port n JOIN service s ON s.uid = n.service_uid WHERE s.namespace = $1),
                (SELECT count(*) FROM virtual_machine_interface WHERE namespace = $1), (SELECT count(*) FROM external_network WHERE namespace = $1)
            """);
        command.Parameters.AddWithValue(ns);
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        Assert.True(await reader.ReadAsync(TestContext.Current.CancellationToken));
        var used = await UsedAsync(ns);
        Assert.Equal(Enumerable.Range(0, 5).Select(reader.GetInt64), ((string[])["services", "floatingIPs", "nodePorts", "virtualMachineInterfaces", "externalNetworks"]).Select(r => (long)used[r]!));
        return used;
    }
}
