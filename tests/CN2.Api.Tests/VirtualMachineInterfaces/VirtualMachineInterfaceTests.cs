using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.VirtualMachineInterfaces;

public sealed class VirtualMachineInterfaceTests(ApiServer api) : IClassFixture<ApiServer>
{
    private const string Path = "/v1/namespaces/default/virtual-machine-interfaces";

    [Fact]
    public async Task An_address_is_used_once_on_a_virtual_router()
    {
        (await api.PutAsync($"{Path}/once-a", """{"addresses":["10.1.0.1"],"virtualRouter":"once"}""")).Expect(201);
        var taken = (await api.PutAsync($"{Path}/once-b", """{"addresses":["10.1.0.1"],"virtualRouter":"once"}""")).Expect(409);
        Assert.Equal("address-in-use", taken.Code);
        Assert.Contains("default/once-a", (string?)taken.Json!["detail"], StringComparison.Ordinal);
        (await api.GetAsync($"{Path}/once-b")).Expect(404);
        (await api.PutAsync($"{Path}/once-c", """{"addresses":["10.1.0.1"],"virtualRouter":"twice"}""")).Expect(201);
        (await api.DeleteAsync($"{Path}/once-a")).Expect(204);
        (await api.PutAsync($"{Path}/once-b", """{"addresses":["10.1.0.1"],"virtualRouter":"once"}""")).Expect(201);
    }

    [Fact]
    public async Task A_condition_names_every_reference_to_a_missing_resource()
    {
        var made = (await api.PutAsync($"{Path}/in-vain", """{"addresses":["10.1.9.1"],"virtualRouter":"no-router","healthCheck":"no-check"}""")).Expect(201);
        var condition = Assert.Single(made.Json!["status"]!["conditions"]!.AsArray())!;
        Assert.Equal("VirtualRouterNotFound", (string?)condition["reason"]);
        Assert.Contains("no-router", (string?)condition["message"], StringComparison.Ordinal);
        Assert.Contains("default/no-check", (string?)condition["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_endpoint_says_that_its_virtual_router_is_lost_or_in_maintenance()
    {
        (await api.PutAsync("/v1/virtual-routers/serves", """{"address":"172.27.113.9"}""")).Expect(201);
        (await api.PutAsync($"{Path}/served", """{"addresses":["10.1.8.1"],"virtualRouter":"serves"}""")).Expect(201);
        Assert.Equal(("True", "It takes new flows."), await ReadyAsync());
        (await api.PatchAsync("/v1/virtual-routers/serves", """{"adminDown":true}""")).Expect(200);
        Assert.Equal(("True", "It takes new flows. VirtualRouter serves is in maintenance, so no route leads to it; set its adminDown to false."), await ReadyAsync());
        (await api.PatchAsync("/v1/virtual-routers/serves", """{"adminDown":false}""")).Expect(200);
        await using var connection = new NpgsqlConnection(api.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var lost = new NpgsqlCommand(
            """
            INSERT INTO virtual_router_status (uid, connected, lost, desired_revision, applied_revision, applied_position)
            SELECT uid, false, true, 0, 0, 0 FROM virtual_router WHERE name = 'serves'
            """, connection);
        Assert.Equal(1, await lost.ExecuteNonQueryAsync(TestContext.Current.CancellationToken));
        Assert.Equal(("False", "VirtualRouter serves is Lost, so the endpoint gets no new flows; start its agent, or mend the network to it."), await ReadyAsync());

        async Task<(string?, string?)> ReadyAsync()
        {
            var condition = (await api.GetAsync($"{Path}/served")).Expect(200).Json!["status"]!["conditions"]![0]!;
            return ((string?)condition["status"], (string?)condition["message"]);
        }
    }

    [Fact]
    public async Task The_weight_is_1_when_absent_and_a_number_from_1_to_100()
    {
        var created = (await api.PutAsync($"{Path}/weight", """{"addresses":["10.1.7.1"],"virtualRouter":"weights"}""")).Expect(201);
        Assert.Equal(1, (int)created.Json!["weight"]!);
        var heavy = (await api.PutAsync($"{Path}/weight", """{"addresses":["10.1.7.1"],"virtualRouter":"weights","weight":100}""")).Expect(200);
        Assert.Equal((100, 2), ((int)heavy.Json!["weight"]!, (int)heavy.Json["generation"]!));
        Assert.Equal(heavy.Text, (await api.PutAsync($"{Path}/weight", heavy.Text)).Expect(200).Text);
        Assert.Equal(heavy.Text, (await api.PatchAsync($"{Path}/weight", """{"ready":true}""")).Expect(200).Text);
        Assert.Equal(1, (int)(await api.PatchAsync($"{Path}/weight", """{"weight":null}""")).Expect(200).Json!["weight"]!);
        (await api.PatchAsync($"{Path}/weight", """{"weight":7}""")).Expect(200);
        Assert.Equal(1, (int)(await api.PutAsync($"{Path}/weight", """{"addresses":["10.1.7.1"],"virtualRouter":"weights"}""")).Expect(200).Json!["weight"]!);

        var made = (await api.PostAsync($"{Path}:batch", """{"items":[{"name":"weight","addresses":["10.1.7.1"],"virtualRouter":"weights","weight":3},{"name":"weight-2","addresses":["10.1.7.2"],"virtualRouter":"weights","weight":4}]}""")).Expect(200);
        Assert.Equal([3, 4], made.Json!["items"]!.AsArray().Select(i => (int)i!["weight"]!));
        Assert.Equal(4, (int)(await api.GetAsync($"{Path}/weight-2")).Json!["weight"]!);

        foreach (var wrong in (string[])["0", "101", "-1", "1.5", "\"1\"", "true", "4294967297"])
        {
            foreach (var (refused, at) in ((Reply, string)[])[
                (await api.PutAsync($"{Path}/weight", $$"""{"addresses":["10.1.7.1"],"virtualRouter":"weights","weight":{{wrong}}}"""), "weight"),
                (await api.PatchAsync($"{Path}/weight", $$"""{"weight":{{wrong}}}"""), "weight"),
                (await api.PostAsync($"{Path}:batch", $$"""{"items":[{"name":"weight","addresses":["10.1.7.1"],"virtualRouter":"weights","weight":{{wrong}}}]}"""), "items[0].weight")])
            {
                Assert.Equal((400, "validation-failed", at), (refused.Status, refused.Code, Assert.Single(refused.ErrorPaths)));
            }
        }
    }

    [Fact]
    public async Task Two_clients_at_once_for_one_address_get_one_201_and_one_409()
    {
        var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => api.PutAsync($"{Path}/race-{i}", """{"addresses":["10.2.0.1"],"virtualRouter":"race"}""")));
        Assert.Single(replies, r => r.Status == 201);
        Assert.All(replies.Where(r => r.Status != 201), r => Assert.Equal("address-in-use", r.Expect(409).Code));
    }

    [Fact]
    public async Task A_batch_creates_and_replaces_in_one_transaction()
    {
        var items = Enumerable.Range(0, 1000).Select(i => new { name = $"batch-{i}", addresses = new[] { $"10.3.{i / 250}.{(i % 250) + 1}" }, virtualRouter = "batch", labels = new { app = "web" } }).ToArray();
        var answer = (await api.PostAsync($"{Path}:batch", new { items })).Expect(200);
        Assert.Equal(1000, answer.Json!["items"]!.AsArray().Count);
        Assert.Equal(answer.Text, (await api.PostAsync($"{Path}:batch", new { items })).Expect(200).Text);

        // Two swap their addresses: possible, because the batch is one change.
        (await api.PostAsync($"{Path}:batch", """{"items":[{"name":"batch-0","addresses":["10.3.0.2"],"virtualRouter":"batch"},{"name":"batch-1","addresses":["10.3.0.1"],"virtualRouter":"batch"}]}""")).Expect(200);
        // One that cannot be takes the others with it.
        var refused = (await api.PostAsync($"{Path}:batch", """{"items":[{"name":"batch-new","addresses":["10.3.9.9"],"virtualRouter":"batch"},{"name":"batch-dup","addresses":["10.3.0.9"],"virtualRouter":"batch"}]}""")).Expect(409);
        Assert.Equal("address-in-use", refused.Code);
        (await api.GetAsync($"{Path}/batch-new")).Expect(404);
        var within = (await api.PostAsync($"{Path}:batch", """{"items":[{"name":"in-a","addresses":["10.3.8.8"],"virtualRouter":"batch"},{"name":"in-b","addresses":["10.3.8.8"],"virtualRouter":"batch"}]}""")).Expect(409);
        Assert.Equal("address-in-use", within.Code);
    }

    [Fact]
    public async Task References_to_missing_resources_are_accepted()
    {
        var created = (await api.PutAsync($"{Path}/dangling", """{"addresses":["10.4.0.1","2001:db8::1"],"virtualRouter":"nowhere","healthCheck":"none"}""")).Expect(201);
        Assert.Equal("Pending", (string?)created.Json!["status"]!["state"]);
        Assert.Equal("VirtualRouterNotFound", created.ReasonOf("Ready"));
        (await api.PutAsync("/v1/virtual-routers/nowhere", """{"address":"10.4.4.4"}""")).Expect(201);
        Assert.Equal("HealthCheckNotFound", (await api.GetAsync($"{Path}/dangling")).ReasonOf("Ready"));
    }

    [Fact]
    public async Task A_health_check_in_use_cannot_be_deleted_and_a_change_of_it_resets_the_health()
    {
        (await api.PutAsync("/v1/namespaces/default/service-health-checks/used", """{"monitorType":"PING"}""")).Expect(201);
        (await api.PutAsync("/v1/virtual-routers/healthy", """{"address":"10.5.5.5"}""")).Expect(201);
        (await api.PutAsync($"{Path}/checked", """{"addresses":["10.5.0.1"],"virtualRouter":"healthy","healthCheck":"used"}""")).Expect(201);
        var inUse = (await api.DeleteAsync("/v1/namespaces/default/service-health-checks/used")).Expect(409);
        Assert.Equal("in-use", inUse.Code);
        Assert.Contains("VirtualMachineInterface default/checked", (string?)inUse.Json!["detail"], StringComparison.Ordinal);

        await using (var connection = new NpgsqlConnection(api.ConnectionString))
        {
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            await using var probe = new NpgsqlCommand("UPDATE virtual_machine_interface SET health = 'Healthy' WHERE name = 'checked'", connection);
            await probe.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        var labelled = (await api.PatchAsync($"{Path}/checked", """{"labels":{"a":"b"}}""")).Expect(200);
        Assert.Equal("Healthy", (string?)labelled.Json!["status"]!["health"]);
        var other = (await api.PatchAsync($"{Path}/checked", """{"healthCheck":null}""")).Expect(200);
        Assert.Equal("Unknown", (string?)other.Json!["status"]!["health"]);
        (await api.DeleteAsync("/v1/namespaces/default/service-health-checks/used")).Expect(204);
    }

    [Fact]
    public async Task The_collection_of_all_namespaces_is_sorted_and_read_only()
    {
        (await api.PutAsync("/v1/namespaces/aaa", "{}")).Expect(201);
        (await api.PutAsync("/v1/namespaces/aaa/virtual-machine-interfaces/z", """{"addresses":["10.6.0.1"],"virtualRouter":"all","labels":{"set":"all"}}""")).Expect(201);
        (await api.PutAsync($"{Path}/a", """{"addresses":["10.6.0.2"],"virtualRouter":"all","labels":{"set":"all"}}""")).Expect(201);
        var items = (await api.GetAsync("/v1/virtual-machine-interfaces?labelSelector=set%3Dall")).Expect(200).Json!["items"]!.AsArray();
        Assert.Equal(["aaa/z", "default/a"], items.Select(i => $"{i!["namespace"]}/{i["name"]}"));
        Assert.Equal("in-use", (await api.DeleteAsync("/v1/namespaces/aaa")).Expect(409).Code);
    }
}
