using System.Net;
using CN2.Api.Tests.Drivers;
using CN2.Api.Tests.Fixtures;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.Network.Resources;

namespace CN2.Api.Tests.Reconcile;

/// <summary>An entry that one node cannot take is a problem of its Service on that node alone.</summary>
public sealed class EntryRefusedTests(PrivatePostgres postgres)
{
    private const string Hop1 = "172.27.115.242";
    private const string Hop2 = "172.27.115.243";

    private static NatEntryKey Key(string address) => new(IPFamily.IPv4, IPAddress.Parse(address), TransportProtocol.TCP, 8080);

    [Fact]
    public async Task While_one_entry_is_refused_another_service_is_programmed_and_a_third_is_deleted()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await plane.ServiceAsync("third");
        await plane.UntilReadyAsync("third");

        plane.Compute1.RefusedKeys.Add(Key("100.0.0.3"));
        await plane.ServiceAsync("refused");
        await plane.UntilConditionAsync(ControlPlane.Path("refused"), "Programmed", "False/EntryRefused");
        await plane.UntilConditionAsync(ControlPlane.Path("refused"), "Ready", "False/EntryRefused");
        var service = (await plane.Api.GetAsync(ControlPlane.Path("refused"))).Json;
        Assert.StartsWith("vRouter compute1 refuses the entry 100.0.0.3 TCP/8080: the kernel says no.", (string?)Reply.Condition(service, "Programmed")!["message"], StringComparison.Ordinal);
        await plane.UntilHopsAsync("100.0.0.3", Hop2); // the other node serves it
        await Eventually.TrueAsync(async () => (string?)(await plane.Api.GetAsync("/v1/virtual-routers/compute1")).Json!["status"]!["message"] == "the kernel says no", seconds: 30);

        await plane.ServiceAsync("other");
        await plane.UntilReadyAsync("other");
        await plane.UntilHopsAsync("100.0.0.4", Hop1, Hop2);
        (await plane.Api.DeleteAsync(ControlPlane.Path("third"))).Expect(202);
        await plane.UntilGoneAsync(ControlPlane.Path("third"));

        // The node can take it now: the agent tries again and tells.
        plane.Compute1.RefusedKeys.Clear();
        plane.Compute1.Acknowledge();
        await plane.UntilHopsAsync("100.0.0.3", Hop1, Hop2);
        await plane.UntilReadyAsync("refused");

        // And the other way round, for a route that is out.
        plane.Compute1.RefusedKeys.Add(Key("100.0.0.3"));
        plane.Compute1.Acknowledge();
        await plane.UntilHopsAsync("100.0.0.3", Hop2);
        await plane.UntilHopsAsync("100.0.0.4", Hop1, Hop2);
        (await plane.Api.DeleteAsync(ControlPlane.Path("refused"))).Expect(202);
        await plane.UntilGoneAsync(ControlPlane.Path("refused"));
    }

    [Fact]
    public async Task What_a_node_without_an_endpoint_refuses_is_a_note_without_its_words()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        foreach (var key in plane.Compute2.Table.Keys) plane.Compute2.RefusedKeys.Add(key);
        plane.Compute2.Acknowledge();
        await Eventually.TrueAsync(async () => (await ProgrammedAsync()).Contains("vRouter compute2 refuses entries of it and has none of its endpoints", StringComparison.Ordinal), seconds: 30);
        Assert.DoesNotContain("the kernel says no", (await plane.Api.GetAsync("/v1/namespaces/default/floating-ips")).Text + (await plane.Api.GetAsync(ControlPlane.Path("web"))).Text, StringComparison.Ordinal);
        foreach (var type in (string[])["Programmed", "Advertised", "Ready"]) await plane.UntilConditionAsync(ControlPlane.Path("web"), type, $"True/{type}");
        await plane.UntilHopsAsync("100.0.0.2", Hop1);
        await Eventually.TrueAsync(
            async () => ((string?)(await plane.Api.GetAsync("/v1/virtual-routers/compute2")).Json!["status"]!["message"])?.StartsWith("the kernel says no", StringComparison.Ordinal) == true, seconds: 30);

        // With an endpoint on that node it is the Service's own matter.
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Ready", "False/EntryRefused");
        Assert.Contains("the kernel says no", await ProgrammedAsync(), StringComparison.Ordinal);

        async Task<string> ProgrammedAsync() => (string?)Reply.Condition((await plane.Api.GetAsync(ControlPlane.Path("web"))).Json, "Programmed")!["message"] ?? "";
    }

    [Fact]
    public async Task A_node_without_an_endpoint_that_takes_no_part_of_a_revision_is_awaited_without_its_words()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        plane.Compute2.Refuses = "call this number";
        await plane.ServiceAsync("web");
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Programmed", "False/AwaitingVirtualRouters");
        await Eventually.TrueAsync(async () => (string?)(await plane.Api.GetAsync("/v1/virtual-routers/compute2")).Json!["status"]!["message"] == "call this number", seconds: 30);
        await plane.UntilHopsAsync("100.0.0.2", Hop1);
        var service = await plane.Api.GetAsync(ControlPlane.Path("web"));
        Assert.Equal("Success", (string?)service.Json!["status"]!["state"]);
        Assert.DoesNotContain("call this number", service.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_an_agent_refuses_at_one_replica_is_not_announced_by_another()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        var a = plane.Api;
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        plane.Compute1.RefusedKeys.Add(Key("100.0.0.2"));
        await plane.ServiceAsync("refused");
        await plane.ServiceAsync("web");
        await plane.UntilConditionAsync(ControlPlane.Path("refused"), "Programmed", "False/EntryRefused");
        var b = await plane.AddAsync("cn-b", new FakeBgpEngine());
        await b.EstablishAsync("vmx1");
        await ControlPlane.UntilAsync(() => ControlPlane.HopsOf(b, "100.0.0.3").SequenceEqual([Hop1]));
        await plane.LetAChangePassAsync(a, b);
        Assert.Empty(ControlPlane.HopsOf(b, "100.0.0.2"));
        plane.Compute1.RefusedKeys.Clear();
        plane.Compute1.Acknowledge();
        await ControlPlane.UntilAsync(() => ControlPlane.HopsOf(a, "100.0.0.2").Count == 1 && ControlPlane.HopsOf(b, "100.0.0.2").Count == 1);
    }

    [Fact]
    public async Task An_agent_that_takes_no_part_of_a_revision_is_believed_as_before()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        plane.Compute1.Refuses = "no memory";
        await plane.ServiceAsync("web");
        await plane.UntilConditionAsync(ControlPlane.Path("web"), "Programmed", "False/VirtualRouterRefused");
        Assert.Empty(plane.HopsOf("100.0.0.2"));
        plane.Compute1.Refuses = null;
        plane.Compute1.Acknowledge();
        await plane.UntilReadyAsync("web");
    }
}
