using CN2.Api.Services;
using CN2.Api.Tests.Fixtures;
using CN2.Api.Tests.Services;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CN2.Api.Tests.Allocation;

/// <summary>Many clients at once: no address twice, none lost, nobody turned away without reason.</summary>
public sealed class ConcurrentAllocationTests(ApiServerWithoutReconciler api) : IClassFixture<ApiServerWithoutReconciler>
{
    private const int Clients = 32;

    [Fact]
    public async Task Thirty_two_writers_that_create_and_delete_neither_share_nor_lose_an_address()
    {
        await NetworkAsync("crowd", """[{"cidr":"20.0.0.0/20"}]""");
        var held = await RunAsync(Clients, async client =>
        {
            var random = new Random(client);
            var mine = new Dictionary<string, string>();
            for (var i = 0; i < 40; i++)
            {
                if (mine.Count > 0 && random.Next(3) == 0)
                {
                    var name = mine.Keys.First();
                    (await api.DeleteAsync($"/v1/namespaces/crowd/services/{name}")).Expect(204);
                    mine.Remove(name);
                }
                else
                {
                    var name = $"s{client}-{i}";
                    // Some ask for an address by name, far ahead of what was filled into the pool.
                    var asked = random.Next(4) == 0 ? $"[\"20.0.{random.Next(1, 15)}.{random.Next(1, 255)}\"]" : "[]";
                    var reply = await api.PostAsync("/v1/namespaces/crowd/services",
                        $$"""{"name":"{{name}}","externalNetwork":"net","loadBalancerIPs":{{asked}},"allocateLoadBalancerNodePorts":{{(i % 2 == 0 ? "true" : "false")}},"ports":[{"port":80}]}""");
                    if (asked != "[]" && reply.Status == 409)
                    {
                        Assert.Equal("address-in-use", reply.Code);
                        continue;
                    }

                    reply.Expect(201);
                    mine[name] = External(reply);
                }
            }

            return mine.Values.ToList();
        });
        var addresses = held.SelectMany(h => h).ToList();
        Assert.Equal(addresses.Count, addresses.Distinct().Count());
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task A_node_port_that_is_asked_for_while_its_holder_gives_it_back_does_not_stay_in_the_pool()
    {
        await NetworkAsync("handover", """[{"cidr":"23.7.0.0/28"}]""");
        (await api.PostAsync("/v1/namespaces/handover/services", """{"name":"before","type":"NodePort","ports":[{"port":80,"nodePort":30777}]}""")).Expect(201);
        await using var source = NpgsqlDataSource.Create(api.ConnectionString);
        await using var connection = await source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var giveBack = new NpgsqlCommand("DELETE FROM node_port WHERE port = 30777", connection)) await giveBack.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        var asks = api.PostAsync("/v1/namespaces/handover/services", """{"name":"after","type":"NodePort","ports":[{"port":80,"nodePort":30777}]}""");
        await Eventually.TrueAsync(async () =>
        {
            await using var waits = source.CreateCommand("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')");
            return await waits.ExecuteScalarAsync(TestContext.Current.CancellationToken) is true;
        }, "the request waits for the holder", 20);
        await transaction.CommitAsync(TestContext.Current.CancellationToken);
        (await asks).Expect(201);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task An_exhausted_pool_gives_each_address_once_and_leaves_the_rest_pending()
    {
        await NetworkAsync("tight", """[{"cidr":"21.0.0.0/27"},{"cidr":"21.0.1.0/28"}]""");
        var states = await RunAsync(Clients, async client =>
        {
            var replies = new List<Reply>();
            for (var i = 0; i < 3; i++)
                replies.Add((await api.PostAsync("/v1/namespaces/tight/services", $$"""{"name":"s{{client}}-{{i}}","externalNetwork":"net","allocateLoadBalancerNodePorts":false,"ports":[{"port":80}]}""")).Expect(201));
            return replies;
        });
        var all = states.SelectMany(s => s).ToList();
        var served = all.Where(r => (string?)r.Json!["status"]!["state"] == "Success").ToList();
        Assert.Equal(29 + 13, served.Count);
        Assert.Equal(served.Count, served.Select(External).Distinct().Count());
        var pending = all.Except(served).ToList();
        Assert.All(pending, r => Assert.Equal("AddressesExhausted", r.ReasonOf("Allocated")));
        Assert.All(pending, r => Assert.Single(r.Json!["status"]!["clusterIPs"]!.AsArray()));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);

        // More room: those who wait are served, those who have keep.
        (await api.PatchAsync("/v1/namespaces/tight/external-networks/net", """{"subnets":[{"cidr":"21.0.0.0/27"},{"cidr":"21.0.1.0/28"},{"cidr":"21.0.2.0/24"}]}""")).Expect(200);
        var lifecycle = api.Services.GetRequiredService<ServiceLifecycle>();
        Assert.Equal(pending.Count, await lifecycle.ServePendingAsync(await PendingServices.ReadAsync(api), CancellationToken.None));
        foreach (var reply in all)
        {
            var now = (await api.GetAsync(reply.Location!)).Expect(200);
            Assert.Equal("Success", (string?)now.Json!["status"]!["state"]);
            if (served.Contains(reply)) Assert.Equal(External(reply), External(now));
        }

        Assert.Empty(await PendingServices.ReadAsync(api));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task One_of_many_clients_that_request_the_same_address_gets_it()
    {
        await NetworkAsync("race", """[{"cidr":"22.0.0.0/24"}]""");
        var replies = await RunAsync(16, client => api.PostAsync("/v1/namespaces/race/services", $$"""{"name":"s{{client}}","externalNetwork":"net","loadBalancerIPs":["22.0.0.77"],"ports":[{"port":80}]}"""));
        Assert.Single(replies, r => r.Status == 201);
        Assert.All(replies.Where(r => r.Status != 201), r =>
        {
            Assert.Equal("address-in-use", r.Expect(409).Code);
            Assert.Contains("of Service race/s", (string?)r.Json!["detail"], StringComparison.Ordinal);
        });
        var ports = await RunAsync(16, client => api.PostAsync("/v1/namespaces/race/services", $$"""{"name":"n{{client}}","type":"NodePort","ports":[{"port":80,"nodePort":32000}]}"""));
        Assert.Single(ports, r => r.Status == 201);
        Assert.All(ports.Where(r => r.Status != 201), r => Assert.Equal("node-port-in-use", r.Expect(409).Code));
        var names = await RunAsync(16, _ => api.PostAsync("/v1/namespaces/race/services", """{"name":"same","type":"ClusterIP","ports":[{"port":80}]}"""));
        Assert.Single(names, r => r.Status == 201);
        Assert.All(names.Where(r => r.Status != 201), r => Assert.Equal("already-exists", r.Expect(409).Code));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    private async Task NetworkAsync(string ns, string subnets)
    {
        (await api.PutAsync($"/v1/namespaces/{ns}", "{}")).Expect(201);
        (await api.PostAsync($"/v1/namespaces/{ns}/external-networks", $$"""{"name":"net","subnets":{{subnets}},"fabricForwarding":true}""")).Expect(201);
    }

    private static string External(Reply reply) => (string)Assert.Single(reply.Json!["status"]!["externalIPs"]!.AsArray())!;

    private static async Task<IReadOnlyList<T>> RunAsync<T>(int clients, Func<int, Task<T>> client) =>
        await Task.WhenAll(Enumerable.Range(0, clients).Select(c => Task.Run(() => client(c))));
}
