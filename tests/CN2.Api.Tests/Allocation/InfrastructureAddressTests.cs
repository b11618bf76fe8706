using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Allocation;

/// <summary>The address of a VirtualRouter or BgpRouter is never that of a FloatingIP, and the other way round.</summary>
public sealed class InfrastructureAddressTests(ApiServerWithoutReconciler api) : IClassFixture<ApiServerWithoutReconciler>
{
    private const string Fips = "/v1/namespaces/infra/floating-ips";
    private const string Services = "/v1/namespaces/infra/services";

    [Fact]
    public async Task The_address_of_a_router_is_refused_and_skipped_and_free_again_when_the_router_goes()
    {
        await NetworkAsync("plain", "43.0.0.0/29");
        (await api.PutAsync("/v1/virtual-routers/infra1", """{"address":"43.0.0.2"}""")).Expect(201);
        (await api.PostAsync("/v1/bgp-routers", """{"name":"infra-mx","address":"43.0.0.4","autonomousSystem":64512}""")).Expect(201);
        var refused = (await api.PostAsync(Fips, """{"name":"bad","externalNetwork":"plain","address":"43.0.0.2"}""")).Expect(409);
        Assert.Equal("infrastructure-address", refused.Code);
        Assert.Contains("43.0.0.2 is the address of VirtualRouter infra1", refused.Text, StringComparison.Ordinal);
        var service = (await api.PostAsync(Services, """{"name":"bad","externalNetwork":"plain","loadBalancerIPs":["43.0.0.4"],"ports":[{"port":80}]}""")).Expect(409);
        Assert.Equal("infrastructure-address", service.Code);
        Assert.Contains("BgpRouter infra-mx", service.Text, StringComparison.Ordinal);

        Assert.Equal("43.0.0.3", await TakeAsync("a"));
        Assert.Equal("43.0.0.5", await TakeAsync("b"));
        Assert.Equal("43.0.0.6", await TakeAsync("c"));
        Assert.Equal("addresses-exhausted", (await api.PostAsync(Fips, """{"name":"d","externalNetwork":"plain"}""")).Expect(409).Code);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);

        (await api.DeleteAsync("/v1/virtual-routers/infra1")).Expect(204);
        Assert.Equal("43.0.0.2", await TakeAsync("d"));
        // Another address of the router: the former one is free.
        (await api.PatchAsync("/v1/bgp-routers/infra-mx", """{"address":"43.9.0.4"}""")).Expect(200);
        Assert.Equal("43.0.0.4", await TakeAsync("e"));
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task A_router_does_not_get_the_address_of_a_FloatingIP()
    {
        await NetworkAsync("held", "43.1.0.0/24");
        (await api.PostAsync(Fips, """{"name":"mine","externalNetwork":"held","address":"43.1.0.9"}""")).Expect(201);
        foreach (var reply in (Reply[])[
            await api.PutAsync("/v1/virtual-routers/infra2", """{"address":"43.1.0.9"}"""),
            await api.PostAsync("/v1/bgp-routers", """{"name":"infra-mx2","address":"43.1.0.9","autonomousSystem":64512}""")])
        {
            Assert.Equal("address-in-use", reply.Expect(409).Code);
            Assert.Contains("43.1.0.9 is held by FloatingIP infra/mine", reply.Text, StringComparison.Ordinal);
        }

        (await api.DeleteAsync($"{Fips}/mine")).Expect(204);
        (await api.PutAsync("/v1/virtual-routers/infra2", """{"address":"43.1.0.9"}""")).Expect(201);
        // A change of something else needs no look at the address.
        (await api.PatchAsync("/v1/virtual-routers/infra2", """{"adminDown":true}""")).Expect(200);
        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task Of_a_router_and_a_FloatingIP_at_the_same_moment_one_gets_the_address()
    {
        await NetworkAsync("race", "43.2.0.0/24");
        for (var i = 10; i < 40; i++)
        {
            var router = api.PutAsync($"/v1/virtual-routers/race{i}", $$"""{"address":"43.2.0.{{i}}"}""");
            var floatingIP = api.PostAsync(Fips, $$"""{"name":"race{{i}}","externalNetwork":"race","address":"43.2.0.{{i}}"}""");
            int[] answers = [(await router).Status, (await floatingIP).Status];
            Assert.Equal([201, 409], answers.Order());
        }

        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    [Fact]
    public async Task Automatic_allocation_at_the_same_moment_takes_another_address()
    {
        await NetworkAsync("auto", "43.3.0.0/24");
        for (var i = 2; i < 30; i++)
        {
            // The lowest free address, which the allocation is about to take.
            var router = api.PutAsync($"/v1/virtual-routers/auto{i}", $$"""{"address":"43.3.0.{{i}}"}""");
            var floatingIP = api.PostAsync(Fips, $$"""{"name":"auto{{i}}","externalNetwork":"auto"}""");
            var taken = (string?)(await floatingIP).Expect(201).Json!["address"];
            Assert.Equal((await router).Status == 201, taken != $"43.3.0.{i}");
            (await api.DeleteAsync($"{Fips}/auto{i}")).Expect(204);
            if ((await router).Status != 201) (await api.PutAsync($"/v1/virtual-routers/auto{i}", $$"""{"address":"43.3.0.{{i}}"}""")).Expect(201);
        }

        await PoolAudit.ExpectSoundAsync(api.ConnectionString);
    }

    private async Task<string?> TakeAsync(string name) => (string?)(await api.PostAsync(Fips, $$"""{"name":"{{name}}","externalNetwork":"plain"}""")).Expect(201).Json!["address"];

    /// <summary>A released address is free at once, so that these tests meet it again.</summary>
    private async Task NetworkAsync(string name, string cidr)
    {
        await api.PutAsync("/v1/namespaces/infra", "{}");
        (await api.PostAsync("/v1/namespaces/infra/external-networks", $$"""{"name":"{{name}}","subnets":[{"cidr":"{{cidr}}"}],"quarantineSeconds":0,"fabricForwarding":true}""")).Expect(201);
    }
}
