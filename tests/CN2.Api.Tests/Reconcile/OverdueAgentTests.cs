using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Reconcile;

/// <summary>A node that is connected and acknowledges nothing, as one that was stolen may, holds up nobody for ever.</summary>
public sealed class OverdueAgentTests(PrivatePostgres postgres)
{
    private const string Compute2 = "/v1/virtual-routers/compute2";
    private const string Address = "100.0.0.2";
    private const string Hop1 = "172.27.115.242";
    private const string Hop2 = "172.27.115.243";

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task An_agent_that_acknowledges_nothing_holds_up_other_Services_for_a_time_only(bool refuses, bool dialsAgain)
    {
        await using var plane = await ControlPlane.StartAsync(postgres, "--VRouters:AcknowledgeWithinSeconds", "5");
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await plane.ServiceAsync("web");
        await plane.UntilHopsAsync(Address, Hop1, Hop2);
        await plane.UntilReadyAsync("web");

        if (refuses) plane.Compute2.Refuses = "no";
        else plane.Compute2.Acknowledges = false;
        await plane.ServiceAsync("other");
        await plane.UntilConditionAsync(ControlPlane.Path("other"), "Programmed", refuses ? "False/VirtualRouterRefused" : "False/AwaitingVirtualRouters");
        if (dialsAgain) plane.Compute2.ConnectTo(plane.Api.Agents); // what it owes is not forgotten
        (await plane.Api.DeleteAsync(ControlPlane.Path("other"))).Expect(202);
        await plane.UntilGoneAsync(ControlPlane.Path("other"));
        await plane.UntilHopsAsync(Address, Hop1);
        await plane.UntilReadyAsync("web");
        var router = (await plane.Api.GetAsync(Compute2)).Expect(200);
        Assert.Equal("False/Lost", ControlPlane.ConditionOf(router, "Connected"));
        Assert.Contains("has not acknowledged what it was sent for 5 s", (string?)router.Json!["status"]!["message"], StringComparison.Ordinal);
        Assert.Contains("NotAcknowledging", (await plane.Api.GetAsync("/v1/events?regarding=virtual-routers/compute2")).Text, StringComparison.Ordinal);

        // The next one does not wait at all.
        await plane.ServiceAsync("third");
        await plane.UntilConditionAsync(ControlPlane.Path("third"), "Programmed", "True/Programmed");

        // It is a node like any other again when it has acknowledged all.
        plane.Compute2.Refuses = null;
        plane.Compute2.Acknowledges = true;
        plane.Compute2.Acknowledge();
        await plane.UntilHopsAsync(Address, Hop1, Hop2);
        await plane.UntilConditionAsync(Compute2, "Connected", "True/Connected");
    }

    [Fact]
    public async Task Nothing_is_freed_while_a_node_that_is_in_time_still_carries_it()
    {
        await using var plane = await ControlPlane.StartAsync(postgres, "--VRouters:AcknowledgeWithinSeconds", "60");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        plane.Compute2.Acknowledges = false;
        (await plane.Api.DeleteAsync(ControlPlane.Path("web"))).Expect(202);
        await plane.UntilHopsAsync(Address);
        await plane.LetAChangePassAsync(plane.Api);
        Assert.Equal("Deleting", (string?)(await plane.Api.GetAsync(ControlPlane.Path("web"))).Expect(200).Json!["status"]!["state"]);
        plane.Compute2.Acknowledges = true;
        plane.Compute2.Acknowledge();
        await plane.UntilGoneAsync(ControlPlane.Path("web"));
    }
}
