using CN2.Api.Tests.Fixtures;
using Npgsql;

namespace CN2.Api.Tests.Allocation;

/// <summary>
/// The address of an endpoint is never one of the infrastructure, and never that of a FloatingIP in the same routing table: the nodes would
/// publish their own servers, or cut the endpoint off.
/// </summary>
public sealed class EndpointAddressTests(ApiServerWithoutReconciler api) : IClassFixture<ApiServerWithoutReconciler>
{
    private const string Fips = "/v1/namespaces/ends/floating-ips";
    private const string Services = "/v1/namespaces/ends/services";
    private const string Networks = "/v1/namespaces/ends/external-networks";
    private const string Endpoints = "/v1/namespaces/ends/virtual-machine-interfaces";

    [Fact]
    public async Task An_endpoint_has_no_address_of_the_infrastructure()
    {
        await NetworkAsync("away", "44.9.0.0/24");
        (await api.PutAsync("/v1/virtual-routers/ends1", """{"address":"44.0.0.2","address6":"2001:db8:44::2"}""")).Expect(201);
        (await api.PutAsync($"{Endpoints}/fine", Endpoint("44.0.0.3"))).Expect(201);
        foreach (var reply in (Reply[])[
            await api.PostAsync(Endpoints, """{"name":"bad","addresses":["44.0.0.2"],"virtualRouter":"ends1"}"""),
            await api.PostAsync($"{Endpoints}?dryRun=true", """{"name":"bad","addresses":["44.0.0.2"],"virtualRouter":"ends1"}"""),
            await api.PutAsync($"{Endpoints}/bad", """{"addresses":["44.0.0.9","2001:db8:44::2"],"virtualRouter":"elsewhere"}"""),
            await api.PutAsync($"{Endpoints}/fine", Endpoint("44.0.0.2")),
            await api.PatchAsync($"{Endpoints}/fine", """{"addresses":["44.0.0.2"]}"""),
            await api.PostAsync($"{Endpoints}:batch", """{"items":[{"name":"good","addresses":["44.0.0.4"],"virtualRouter":"ends1"},{"name":"bad","addresses":["44.0.0.2"],"virtualRouter":"ends1"}]}""")])
        {
            Assert.Equal("infrastructure-address", reply.Expect(409).Code);
            Assert.Contains("is the address of VirtualRouter ends1", reply.Text, StringComparison.Ordinal);
        }

        Assert.Equal("44.0.0.3", (string?)Assert.Single((await api.GetAsync(Endpoints)).Json!["items"]!.AsArray(), e => (string?)e!["name"] is "fine" or "good" or "bad")!["addresses"]![0]);
        foreach (var address in (string[])["127.0.0.1", "169.254.169.254", "::1", "fe80::1", "0.0.0.0", "224.0.0.1"])
            Assert.Equal("validation-failed", (await api.PutAsync($"{Endpoints}/bad", Endpoint(address))).Expect(400).Code);
    }

    [Fact]
    public async Task An_endpoint_whose_address_became_the_infrastructures_says_so()
    {
        await NetworkAsync("later", "44.8.0.0/24");
        (await api.PutAsync("/v1/virtual-routers/ends2", """{"address":"44.7.0.1"}""")).Expect(201);
        (await api.PutAsync($"{Endpoints}/first", """{"addresses":["44.7.0.9"],"virtualRouter":"ends2"}""")).Expect(201);
        (await api.PutAsync("/v1/virtual-routers/ends3", """{"address":"44.7.0.9"}""")).Expect(201);
        var endpoint = (await api.GetAsync($"{Endpoints}/first")).Expect(200);
        Assert.Equal("InfrastructureAddress", (string?)Reply.Condition(endpoint.Json, "Ready")!["reason"]);
        Assert.Contains("44.7.0.9 is the address of VirtualRouter ends3", endpoint.Text, StringComparison.Ordinal);
        // What does not concern the address can be changed.
        (await api.PatchAsync($"{Endpoints}/first", """{"labels":{"a":"b"}}""")).Expect(200);
        (await api.PatchAsync($"{Endpoints}/first", """{"addresses":["44.7.0.10"]}""")).Expect(200);
        Assert.Equal("Ready", (string?)Reply.Condition((await api.GetAsync($"{Endpoints}/first")).Json, "Ready")!["reason"]);
    }

    [Fact]
    public async Task An_endpoint_has_no_cluster_IP_and_no_address_of_a_FloatingIP()
    {
        await NetworkAsync("held", "44.1.0.0/24");
        await NetworkAsync("vpn", "44.2.0.0/24", underlay: false);
        (await api.PostAsync(Fips, """{"name":"mine","externalNetwork":"held","address":"44.1.0.9"}""")).Expect(201);
        (await api.PostAsync(Fips, """{"name":"ours","externalNetwork":"vpn","address":"44.2.0.9"}""")).Expect(201);
        foreach (var (address, sentence) in (List<(string, string)>)[
            ("44.1.0.9", "44.1.0.9 is held by FloatingIP ends/mine"), ("10.233.17.1", "10.233.17.1 lies in 10.233.0.0/18, the service network"),
            ("fd85:ee78:d8a6:8607::1234", "the service network")])
        {
            var refused = (await api.PutAsync($"{Endpoints}/held", Endpoint(address))).Expect(409);
            Assert.Equal("address-in-use", refused.Code);
            Assert.Contains(sentence, refused.Text, StringComparison.Ordinal);
        }

        // The addresses of an overlay network are in another routing table than endpoints.
        (await api.PutAsync($"{Endpoints}/held", Endpoint("44.2.0.9"))).Expect(201);
        (await api.PostAsync(Fips, """{"name":"vpn","externalNetwork":"vpn","address":"44.2.0.10"}""")).Expect(201);
        (await api.PutAsync($"{Endpoints}/vpn", Endpoint("44.2.0.10"))).Expect(201);
        var moved = (await api.PatchAsync($"{Networks}/vpn", """{"fabricForwarding":true}""")).Expect(409);
        Assert.Equal("address-in-use", moved.Code);
        Assert.Contains("is the address of VirtualMachineInterface ends/", moved.Text, StringComparison.Ordinal);
        (await api.DeleteAsync($"{Endpoints}/vpn")).Expect(204);
        (await api.DeleteAsync($"{Endpoints}/held")).Expect(204);
        (await api.PatchAsync($"{Networks}/vpn", """{"fabricForwarding":true}""")).Expect(200);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task A_FloatingIP_has_no_address_of_an_endpoint_and_allocation_passes_it_over()
    {
        await NetworkAsync("elsewhere", "44.9.9.0/30");
        (await api.PutAsync($"{Endpoints}/here", Endpoint("44.3.0.2"))).Expect(201);
        (await api.PutAsync($"{Endpoints}/there", """{"addresses":["44.3.0.2"],"virtualRouter":"elsewhere"}""")).Expect(201);
        await NetworkAsync("pods", "44.3.0.0/29");
        Assert.Equal("44.3.0.3", await TakeAsync("pods", "a"));
        (await api.PutAsync($"{Endpoints}/more", Endpoint("44.3.0.4"))).Expect(201);
        Assert.Equal(("5", "1", "2"), await CountsAsync("pods"));
        Assert.Equal("44.3.0.5", await TakeAsync("pods", "b"));
        var refused = (await api.PostAsync(Fips, """{"name":"bad","externalNetwork":"pods","address":"44.3.0.2"}""")).Expect(409);
        Assert.Equal("address-in-use", refused.Code);
        Assert.Contains("44.3.0.2 is the address of VirtualMachineInterface ends/", refused.Text, StringComparison.Ordinal);
        var service = (await api.PostAsync(Services, """{"name":"bad","externalNetwork":"pods","loadBalancerIPs":["44.3.0.4"],"ports":[{"port":80}]}""")).Expect(409);
        Assert.Equal("address-in-use", service.Code);
        Assert.Equal("44.3.0.6", await TakeAsync("pods", "c"));
        Assert.Equal("addresses-exhausted", (await api.PostAsync(Fips, """{"name":"d","externalNetwork":"pods"}""")).Expect(409).Code);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);

        // The address is free when its last endpoint has gone.
        (await api.DeleteAsync($"{Endpoints}/here")).Expect(204);
        Assert.Equal(409, (await api.PostAsync(Fips, """{"name":"d","externalNetwork":"pods"}""")).Status);
        (await api.PatchAsync($"{Endpoints}/there", """{"addresses":["44.19.9.2"]}""")).Expect(200);
        Assert.Equal("44.3.0.2", await TakeAsync("pods", "d"));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
        (await api.PatchAsync($"{Networks}/pods", """{"fabricForwarding":false}""")).Expect(200);
        Assert.Equal("44.3.0.4", await TakeAsync("pods", "e"));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task An_external_address_is_no_cluster_IP()
    {
        await NetworkAsync("wide", "10.232.0.0/15", ranges: """[{"from":"10.232.255.255","to":"10.233.255.254"}]""");
        Assert.Equal("10.232.255.255", await TakeAsync("wide", "wide1"));
        Assert.Equal("10.233.64.0", await TakeAsync("wide", "wide2"));
        var refused = (await api.PostAsync(Fips, """{"name":"wide3","externalNetwork":"wide","address":"10.233.5.5"}""")).Expect(409);
        Assert.Equal("address-in-use", refused.Code);
        Assert.Contains("10.233.5.5 lies in 10.233.0.0/18, the service network", refused.Text, StringComparison.Ordinal);
        Assert.Equal(("65536", "2", "49150"), await CountsAsync("wide"));
        var inside = (await api.PostAsync(Networks, """{"name":"inside","subnets":[{"cidr":"fd85:ee78:d8a6:8607::1800/120"}],"fabricForwarding":true}""")).Expect(409);
        Assert.Equal("subnet-overlap", inside.Code);
        Assert.Contains("fd85:ee78:d8a6:8607::1800/120 lies in fd85:ee78:d8a6:8607::1000/116, the service network", inside.Text, StringComparison.Ordinal);
        await NetworkAsync("inside", "10.233.62.0/24", underlay: false);
        (await api.PostAsync(Fips, """{"name":"inside","externalNetwork":"inside"}""")).Expect(201);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task Of_an_endpoint_and_a_FloatingIP_at_the_same_moment_one_gets_the_address()
    {
        await NetworkAsync("race", "44.5.0.0/24");
        for (var i = 10; i < 40; i++)
        {
            var endpoint = api.PutAsync($"{Endpoints}/race{i}", Endpoint($"44.5.0.{i}"));
            var floatingIP = api.PostAsync(Fips, $$"""{"name":"race{{i}}","externalNetwork":"race","address":"44.5.0.{{i}}"}""");
            int[] answers = [(await endpoint).Status, (await floatingIP).Status];
            Assert.Equal([201, 409], answers.Order());
        }

        // Automatic allocation is about to take the lowest free address.
        for (var i = 2; i < 10; i++)
        {
            var endpoint = api.PutAsync($"{Endpoints}/auto{i}", Endpoint($"44.5.0.{i}"));
            var service = api.PostAsync(Services, $$"""{"name":"auto{{i}}","externalNetwork":"race","ports":[{"port":80}]}""");
            var taken = (string?)(await service).Expect(201).Json!["status"]!["externalIPs"]![0];
            Assert.Equal((await endpoint).Status == 201, taken != $"44.5.0.{i}");
            (await api.DeleteAsync($"{Services}/auto{i}")).Expect(204);
            if ((await endpoint).Status != 201) (await api.PutAsync($"{Endpoints}/auto{i}", Endpoint($"44.5.0.{i}"))).Expect(201);
        }

        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task Of_an_endpoint_and_a_network_with_its_address_at_the_same_moment_the_second_sees_the_first()
    {
        await NetworkAsync("seen", "44.10.0.0/24");
        for (var i = 0; i < 20; i++)
        {
            var network = api.PostAsync(Networks, $$"""{"name":"seen{{i}}","subnets":[{"cidr":"44.11.{{i}}.0/29"}],"fabricForwarding":true}""");
            var endpoint = api.PutAsync($"{Endpoints}/seen{i}", Endpoint($"44.11.{i}.2"));
            (await network).Expect(201);
            (await endpoint).Expect(201);
            Assert.Equal($"44.11.{i}.3", await TakeAsync($"seen{i}", $"seen{i}"));
        }

        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task Endpoints_and_Services_in_one_prefix_at_the_same_time_all_get_an_address_of_their_own()
    {
        await NetworkAsync("busy", "44.12.0.0/24");
        await Task.WhenAll(Enumerable.Range(0, 40).Select(async i =>
        {
            await Task.WhenAll(
                api.PutAsync($"{Endpoints}/busy{i}", Endpoint($"44.12.0.{100 + i}")),
                CreateAsync($"busy{i}"));
            await Task.WhenAll(
                ExpectAsync(200, api.PutAsync($"{Endpoints}/busy{i}", Endpoint($"44.12.0.{200 + i}"))),
                i % 2 == 0 ? CreateAsync($"more{i}") : ExpectAsync(204, api.DeleteAsync($"{Services}/busy{i}")));
            if (i % 4 == 0) await ExpectAsync(204, api.DeleteAsync($"{Endpoints}/busy{i}"));
        }));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
        Assert.Equal(("253", "40", "183"), await CountsAsync("busy"));

        Task CreateAsync(string name) => ExpectAsync(201, api.PostAsync(Services, $$"""{"name":"{{name}}","externalNetwork":"busy","ports":[{"port":80}]}"""));
        static async Task ExpectAsync(int status, Task<Reply> reply) => (await reply).Expect(status);
    }

    [Fact]
    public async Task A_network_changes_sides_while_Services_take_its_addresses_and_nobody_waits_in_a_circle()
    {
        await NetworkAsync("sides", "44.13.0.0/24", more: """,{"cidr":"2001:db8:4413::/120"},{"cidr":"44.14.0.0/24"}""");
        var deadlocks = await DeadlocksAsync();
        for (var round = 0; round < 6; round++)
        {
            var side = api.PatchAsync($"{Networks}/sides", $$"""{"fabricForwarding":{{(round % 2 == 0 ? "false" : "true")}}}""");
            var services = Enumerable.Range(0, 10).Select(i => api.PostAsync(Services, $$"""{"name":"sides{{round}}-{{i}}","externalNetwork":"sides","ipFamilies":["IPv4","IPv6"],"ports":[{"port":80}]}""")).ToList();
            (await side).Expect(200);
            foreach (var service in services) Assert.Equal(2, (await service).Expect(201).Json!["status"]!["externalIPs"]!.AsArray().Count);
        }

        Assert.Equal(deadlocks, await DeadlocksAsync());
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    private async Task<long> DeadlocksAsync()
    {
        await using var source = NpgsqlDataSource.Create(api.ConnectionString);
        await using var command = source.CreateCommand("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static string Endpoint(string address) => $$"""{"addresses":["{{address}}"],"virtualRouter":"ends1"}""";

    private async Task<string?> TakeAsync(string network, string name) =>
        (string?)(await api.PostAsync(Fips, $$"""{"name":"{{name}}","externalNetwork":"{{network}}"}""")).Expect(201).Json!["address"];

    /// <summary>Capacity, allocated and available of the network's only subnet.</summary>
    private async Task<(string? Capacity, string? Allocated, string? Available)> CountsAsync(string network)
    {
        var subnet = (await api.GetAsync($"{Networks}/{network}")).Expect(200).Json!["status"]!["subnets"]![0]!;
        return ((string?)subnet["capacity"], (string?)subnet["allocated"], (string?)subnet["available"]);
    }

    /// <summary>A released address is free at once, so that these tests meet it again.</summary>
    private async Task NetworkAsync(string name, string cidr, bool underlay = true, string ranges = "[]", string more = "")
    {
        await api.PutAsync("/v1/namespaces/ends", "{}");
        (await api.PostAsync(Networks, $$"""{"name":"{{name}}","subnets":[{"cidr":"{{cidr}}","ranges":{{ranges}}}{{more}}],"quarantineSeconds":0,"fabricForwarding":{{(underlay ? "true" : "false")}}}""")).Expect(201);
    }
}
