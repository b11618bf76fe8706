using CN2.Api.Drivers;
using CN2.Api.Tests.Drivers;
using CN2.Api.Tests.Fixtures;
using CN2.Network.Status;

namespace CN2.Api.Tests.Reconcile;

/// <summary>What an agent finds on its node stands in the VirtualRouter, and in the Services that the node carries (docs/contract.md §3).</summary>
public sealed class NodeForwardingTests(PrivatePostgres postgres)
{
    private const string Compute1 = "/v1/virtual-routers/compute1";
    private const string Address = "100.0.0.2";

    private static readonly VRouterNodeFault Chain = new("ForeignChainDrops", "chain stop of table inet foreign (hook forward, priority 10, policy drop) drops IPv4 to endpoints; remove it", false);
    private static readonly VRouterNodeFault Suspicion = new("ForeignChainMayDrop", "chain FORWARD of table ip filter drops what its rules do not accept", true);

    [Fact]
    public async Task A_Service_is_ready_as_long_as_one_node_that_carries_it_forwards()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        await plane.UntilConditionAsync(Compute1, "Forwarding", "Unknown/NotReported");
        plane.Compute1.Inspect();
        plane.Compute2.Inspect();
        await plane.UntilConditionAsync(Compute1, "Forwarding", "True/Forwards");

        plane.Compute1.Inspect(Suspicion, Chain);
        await plane.UntilConditionAsync(Compute1, "Forwarding", "False/ForeignChainDrops");
        var message = (string?)Reply.Condition((await plane.Api.GetAsync(Compute1)).Json, "Forwarding")!["message"];
        Assert.Equal($"{Chain.Message}. {Suspicion.Message}.", message);
        await plane.UntilReadyAsync("web");
        await Eventually.TrueAsync(async () => (await ReadyMessageAsync(plane, ControlPlane.Path("web"))).Contains("on the node of vRouter compute1 stops the traffic: clients that are sent there", StringComparison.Ordinal), seconds: 30);

        plane.Compute2.Inspect(Chain);
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Ready", "False/NotForwarding");
        Assert.Contains("on the node of vRouters compute1, compute2 stops the traffic, and no other node carries it", await ReadyMessageAsync(plane, ControlPlane.Path("web")), StringComparison.Ordinal);
        // It is a row of its own.
        await Eventually.TrueAsync(async () => ControlPlane.ConditionOf(await plane.FloatingIPAsync(Address), "Ready") == "False/NotForwarding", seconds: 30);
        Assert.Equal(2, plane.HopsOf(Address).Count); // the routes stay
        var events = (await plane.Api.GetAsync("/v1/events?regarding=virtual-routers/compute1")).Text;
        Assert.Contains("NotForwarding", events, StringComparison.Ordinal);
        Assert.Contains("chain stop of table inet foreign", events, StringComparison.Ordinal);

        plane.Compute1.Inspect();
        await plane.UntilReadyAsync("web");
        await plane.UntilConditionAsync(Compute1, "Forwarding", "True/Forwards");
        Assert.Contains("\"Forwarding\"", (await plane.Api.GetAsync("/v1/events?regarding=virtual-routers/compute1")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_Service_is_ready_where_only_traffic_is_stopped_that_it_does_not_have()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        plane.Compute1.Inspect(new VRouterNodeFault("ForwardingOff", "net.ipv6.conf.all.forwarding is 0", false, TrafficKinds.IPv6 | TrafficKinds.Vpn));
        await plane.UntilConditionAsync(Compute1, "Forwarding", "False/ForwardingOff");
        await plane.LetAnotherServiceBeProgrammedAsync();
        Assert.Equal("True/Ready", ControlPlane.ConditionOf(await plane.Api.GetAsync(ControlPlane.Path("web")), "Ready"));
        Assert.DoesNotContain("stops", await ReadyMessageAsync(plane, ControlPlane.Path("web")), StringComparison.Ordinal);

        plane.Compute1.Inspect(new VRouterNodeFault("ForwardingOff", "net.ipv4.ip_forward is 0", false, TrafficKinds.IPv4));
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Ready", "False/NotForwarding");
    }

    [Fact]
    public async Task A_suspicion_is_told_and_leaves_Services_ready()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        plane.Compute1.Inspect(Suspicion);
        await plane.UntilConditionAsync(Compute1, "Forwarding", "Unknown/ForeignChainMayDrop");
        await plane.LetAnotherServiceBeProgrammedAsync();
        Assert.Equal("True/Ready", ControlPlane.ConditionOf(await plane.Api.GetAsync(ControlPlane.Path("web")), "Ready"));

        // An agent of an earlier version comes back in its place.
        plane.Compute1.Inspect(null);
        await plane.UntilConditionAsync(Compute1, "Forwarding", "Unknown/NotReported");
    }

    [Fact]
    public async Task Another_replica_reads_it_and_a_restart_keeps_it()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        var a = plane.Api;
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        plane.Compute1.Inspect(Chain);
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Ready", "False/NotForwarding");
        var b = await plane.AddAsync("cn-b", new FakeBgpEngine());
        await b.EstablishAsync("vmx1");
        plane.Compute1.Disconnect();
        plane.Compute2.Disconnect();
        await plane.StopAsync(a);
        plane.Compute1.ConnectTo(b.Agents);
        plane.Compute2.ConnectTo(b.Agents);
        await plane.UntilHopsAsync(Address, "172.27.115.242");
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Ready", "False/NotForwarding");
        plane.Compute1.Inspect();
        await plane.UntilReadyAsync("web");
    }

    private static async Task<string> ReadyMessageAsync(ControlPlane plane, string path) => (string?)Reply.Condition((await plane.Api.GetAsync(path)).Json, "Ready")!["message"] ?? "";
}
