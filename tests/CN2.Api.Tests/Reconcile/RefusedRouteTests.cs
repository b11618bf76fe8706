using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Reconcile;

/// <summary>A route that the BGP engine refuses is a problem of its Service alone.</summary>
public sealed class RefusedRouteTests(PrivatePostgres postgres)
{
    private const string Hop1 = "172.27.115.242";
    private const string Network = "/v1/namespaces/default/external-networks/odd";
    private const string Refusal = "The BGP engine refuses this path: no MED 7.";

    [Fact]
    public async Task While_one_route_is_refused_another_service_is_announced_and_a_third_is_deleted()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        plane.Api.Speaker.EngineRefuses = path => path.Med == 7 ? Refusal : null;
        (await plane.Api.PutAsync(Network, """{"subnets":[{"cidr":"101.0.0.0/24"}],"fabricForwarding":true,"advertisement":{"med":7}}""")).Expect(201);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("third");
        await plane.UntilReadyAsync("third");

        await plane.ServiceAsync("refused", ""","externalNetwork":"odd" """);
        await plane.UntilConditionAsync(ControlPlane.Path("refused"), "Advertised", "False/RouteRefused");
        await plane.UntilConditionAsync(ControlPlane.Path("refused"), "Ready", "False/RouteRefused");
        var service = (await plane.Api.GetAsync(ControlPlane.Path("refused"))).Json;
        Assert.Equal($"1 of 1 routes cannot be announced: {Refusal}", (string?)Reply.Condition(service, "Advertised")!["message"]);
        Assert.True(plane.Compute1.Carries("101.0.0.2")); // its entries are there
        Assert.Equal("False/RouteRefused", ControlPlane.ConditionOf(await plane.FloatingIPAsync("101.0.0.2"), "Advertised"));

        await plane.ServiceAsync("other");
        await plane.UntilReadyAsync("other");
        (await plane.Api.DeleteAsync(ControlPlane.Path("third"))).Expect(202);
        await plane.UntilGoneAsync(ControlPlane.Path("third"));

        // A change of the network that makes the path acceptable announces it; one that spoils it again withdraws it.
        (await plane.Api.PatchAsync(Network, """{"advertisement":{"med":8}}""")).Expect(200);
        await plane.UntilHopsAsync("101.0.0.2", Hop1);
        await plane.UntilReadyAsync("refused");
        (await plane.Api.PatchAsync(Network, """{"advertisement":{"med":7}}""")).Expect(200);
        await plane.UntilHopsAsync("101.0.0.2");
        await plane.UntilConditionAsync(ControlPlane.Path("refused"), "Advertised", "False/RouteRefused");

        (await plane.Api.DeleteAsync(ControlPlane.Path("refused"))).Expect(202);
        await plane.UntilGoneAsync(ControlPlane.Path("refused"));
        Assert.Equal(1L, await plane.QueryAsync<long>("SELECT count(*) FROM advertisement"));
        await plane.UntilReadyAsync("other");
    }

    [Fact]
    public async Task After_a_restart_the_refusal_is_known_again_and_stops_neither_routes_nor_peers()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        (await plane.Api.PutAsync(Network, """{"subnets":[{"cidr":"101.0.0.0/24"}],"fabricForwarding":true,"advertisement":{"med":7}}""")).Expect(201);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("refused", ""","externalNetwork":"odd" """);
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("refused");
        await plane.UntilReadyAsync("web");

        await plane.StopAsync(plane.Api);
        var api = await plane.AddAsync("cn-a", plane.Engine);
        api.Speaker.EngineRefuses = path => path.Med == 7 ? Refusal : null; // an engine of another version
        plane.Compute1.ConnectTo(api.Agents);
        plane.Compute2.ConnectTo(api.Agents);
        await api.EstablishAsync("vmx1");
        (await api.PatchAsync(Network, """{"advertisement":{"localPreference":201}}""")).Expect(200);
        await plane.UntilConditionAsync(ControlPlane.Path("refused"), "Advertised", "False/RouteRefused");
        Assert.Equal([Hop1], plane.HopsOf("100.0.0.2"));
        await plane.UntilReadyAsync("web");
    }
}
