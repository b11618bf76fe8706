using System.Text.Json.Nodes;
using CN2.Api.Tests.Fixtures;
using CN2.Network.Resources;

namespace CN2.Api.Tests.Reconcile;

/// <summary>An endpoint whose health check goes up and down costs routers a few changes, not one each time.</summary>
public sealed class FlappingEndpointTests(PrivatePostgres postgres)
{
    private const string Hop1 = "172.27.115.242";
    private const string Path = "/v1/namespaces/default/virtual-machine-interfaces/pod1";

    [Fact]
    public async Task An_endpoint_that_flaps_is_held_back_until_it_has_stayed_up_and_down_is_believed_at_once()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        (await plane.Api.PostAsync("/v1/namespaces/default/service-health-checks", """{"name":"hc","monitorType":"TCP","port":80}""")).Expect(201);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1", ""","healthCheck":"hc" """);
        await plane.ServiceAsync("web");
        await ControlPlane.UntilAsync(() => plane.Compute1.Probes.Count == 1);
        var pod = Guid.Parse((string)(await GetAsync())["uid"]!);

        // What happens now and then is believed at once, both ways.
        for (var i = 0; i <= FlapDamping.FreeDowns; i++)
        {
            plane.Compute1.Report(pod, EndpointHealth.Healthy);
            await plane.UntilHopsAsync("100.0.0.2", Hop1);
            plane.Compute1.Report(pod, EndpointHealth.Unhealthy);
            await plane.UntilHopsAsync("100.0.0.2");
        }

        plane.Compute1.Report(pod, EndpointHealth.Healthy);
        await plane.UntilConditionAsync(Path, "Ready", "False/Flapping");
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Ready", "False/NoReadyEndpoints");
        await Eventually.TrueAsync(async () => ((string)Reply.Condition((await plane.Api.GetAsync(ControlPlane.Path("web"))).Json, "Ready")!["message"]!).Contains("held back", StringComparison.Ordinal));
        var held = await GetAsync();
        Assert.Equal("Healthy", (string?)held["status"]!["health"]);
        Assert.NotNull((string?)held["status"]!["heldUntil"]);
        // Going down while it is held back changes no route, and the next time is longer.
        var announced = plane.Api.Speaker.Counters.PathsAdded;
        for (var i = 0; i < 3; i++)
        {
            plane.Compute1.Report(pod, EndpointHealth.Unhealthy);
            await plane.UntilConditionAsync(Path, "Ready", "False/Unhealthy");
            plane.Compute1.Report(pod, EndpointHealth.Healthy);
            await plane.UntilConditionAsync(Path, "Ready", "False/Flapping");
        }

        Assert.Equal(7, await plane.QueryAsync<int>("SELECT health_downs FROM virtual_machine_interface"));
        Assert.Equal(announced, plane.Api.Speaker.Counters.PathsAdded);

        // It stays up until then.
        await plane.QueryAsync<string>("UPDATE virtual_machine_interface SET health_held_until = now() RETURNING name");
        await plane.UntilHopsAsync("100.0.0.2", Hop1);
        await plane.UntilConditionAsync(Path, "Ready", "True/Healthy");
        Assert.Null((string?)(await GetAsync())["status"]!["heldUntil"]);

        // A user who knows better names no health check, or another one.
        plane.Compute1.Report(pod, EndpointHealth.Unhealthy);
        await plane.UntilHopsAsync("100.0.0.2");
        plane.Compute1.Report(pod, EndpointHealth.Healthy);
        await plane.UntilConditionAsync(Path, "Ready", "False/Flapping");
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.UntilHopsAsync("100.0.0.2", Hop1);
        Assert.Equal(0, await plane.QueryAsync<int>("SELECT health_downs FROM virtual_machine_interface"));

        async Task<JsonNode> GetAsync() => (await plane.Api.GetAsync(Path)).Expect(200).Json!;
    }
}
