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
