using System.Net;
using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Reconcile;

/// <summary>Agents learn who FloatingIPs and addresses of endpoints belong to, so that they end the flows of those who had them before (docs/contract.md §5).</summary>
public sealed class FlowOwnersTests(PrivatePostgres postgres)
{
    private const string Vip = "/v1/namespaces/default/floating-ips/vip";
    private const string Address = "100.0.0.2";

    [Fact]
    public async Task A_reserved_FloatingIP_is_told_with_its_endpoints_and_when_it_is_detached()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await AttachAsync(plane, """["pod1"]""");
        await UntilAttachedToAsync(plane, "10.0.0.1");
        await AttachAsync(plane, """["pod1","pod2"]""");
        await UntilAttachedToAsync(plane, "10.0.0.1", "10.0.0.2");
        await AttachAsync(plane, """["pod2"]""");
        await UntilAttachedToAsync(plane, "10.0.0.2");

        // The interface drains: it is attached as before.
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2", ""","ready":false""");
        await plane.LetAnotherServiceBeProgrammedAsync();
        await UntilAttachedToAsync(plane, "10.0.0.2");

        // The interface is gone, which is no decision about the FloatingIP.
        await DeleteEndpointAsync(plane, "pod2");
        await ControlPlane.UntilAsync(() => plane.Compute1.AttachmentOf(Address) is null);
        await AttachAsync(plane, "[]");
        await UntilAttachedToAsync(plane);

        // An agent that connects anew is told too.
        plane.Compute1.ConnectTo(plane.Api.Agents);
        await UntilAttachedToAsync(plane);
        (await plane.Api.DeleteAsync(Vip)).Expect(202);
        await ControlPlane.UntilAsync(() => plane.Compute1.AttachmentOf(Address) is null);
    }

    [Fact]
    public async Task A_reserved_FloatingIP_is_told_with_the_Service_that_holds_it()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await AttachAsync(plane, "[]");
        await plane.ServiceAsync("web", $$""","loadBalancerIPs":["{{Address}}"]""");
        await plane.UntilReadyAsync("web");
        var uid = Guid.Parse((string)(await plane.Api.GetAsync(ControlPlane.Path("web"))).Json!["uid"]!);
        Assert.Equal(uid, plane.Compute1.AttachmentOf(Address)?.Service);
        (await plane.Api.DeleteAsync(ControlPlane.Path("web"))).Expect(202);
        await plane.UntilGoneAsync(ControlPlane.Path("web"));
        await UntilAttachedToAsync(plane);
        Assert.Null(plane.Compute1.AttachmentOf("100.0.0.3"));
    }

    /// <summary>Flows to the former endpoint may be on any node: on that of a caller inside, and on the old node when the new interface is on another one.</summary>
    [Theory]
    [InlineData("compute1")]
    [InlineData("compute2")]
    public async Task Another_interface_with_the_address_of_an_endpoint_is_told_to_all_vRouters(string node)
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1", ""","ready":false"""); // the same one
        await DeleteEndpointAsync(plane, "pod1");
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1"); // made anew
        await plane.UntilReadyAsync("web");
        Assert.Null(plane.Compute1.HolderOf("10.0.0.1"));
        await DeleteEndpointAsync(plane, "pod1");
        await plane.EndpointAsync("other", node, "10.0.0.1");
        var uid = await UidAsync(plane, "other");
        await ControlPlane.UntilAsync(() => plane.Compute1.HolderOf("10.0.0.1") == uid && plane.Compute2.HolderOf("10.0.0.1") == uid);

        // An agent that connects anew is told too.
        plane.Compute1.ConnectTo(plane.Api.Agents);
        await ControlPlane.UntilAsync(() => plane.Compute1.HolderOf("10.0.0.1") == uid);
    }

    [Fact]
    public async Task Where_several_vRouters_have_an_address_only_the_one_where_it_changes_hands_is_told()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        await DeleteEndpointAsync(plane, "pod1");
        await plane.EndpointAsync("other", "compute1", "10.0.0.1");
        var uid = await UidAsync(plane, "other");
        await ControlPlane.UntilAsync(() => plane.Compute1.HolderOf("10.0.0.1") == uid);
        await plane.LetAnotherServiceBeProgrammedAsync();
        Assert.Null(plane.Compute2.HolderOf("10.0.0.1"));
    }

    /// <summary>Make before break. Whether the two addresses were ever the same one is not known, so that flows on the node of the one that stays go on.</summary>
    [Fact]
    public async Task The_vRouter_that_an_interface_leaves_is_told_who_was_given_its_address_on_another_one_before()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        await plane.EndpointAsync("other", "compute2", "10.0.0.1");
        await plane.LetAnotherServiceBeProgrammedAsync();
        Assert.Null(plane.Compute1.HolderOf("10.0.0.1"));
        await DeleteEndpointAsync(plane, "pod1");
        var other = await UidAsync(plane, "other");
        await ControlPlane.UntilAsync(() => plane.Compute1.HolderOf("10.0.0.1") == other);
        Assert.Null(plane.Compute2.HolderOf("10.0.0.1"));

        // It comes back: what clients have there by now is not of its connections.
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        var uid = await UidAsync(plane, "pod1");
        await ControlPlane.UntilAsync(() => plane.Compute1.HolderOf("10.0.0.1") == uid);
        Assert.Null(plane.Compute2.HolderOf("10.0.0.1"));
    }

    [Fact]
    public async Task An_interface_that_comes_to_a_node_where_its_address_was_once_another_one_s_is_the_same_one()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        await DeleteEndpointAsync(plane, "pod1");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.1");
        var uid = await UidAsync(plane, "pod2");
        await ControlPlane.UntilAsync(() => plane.Compute1.HolderOf("10.0.0.1") == uid);
        await DeleteEndpointAsync(plane, "pod2");
        await plane.EndpointAsync("pod2", "compute1", "10.0.0.1");
        await plane.LetAnotherServiceBeProgrammedAsync();
        Assert.Equal(uid, plane.Compute1.HolderOf("10.0.0.1"));
        Assert.Equal(uid, plane.Compute2.HolderOf("10.0.0.1"));
    }

    /// <summary>Whichever of them is read first.</summary>
    [Fact]
    public async Task Interfaces_that_exchange_their_addresses_in_one_request_are_told_both()
    {
        await using var plane = await ControlPlane.StartAsync(postgres);
        await plane.EndpointAsync("pod1", "compute1", "10.0.0.1");
        await plane.EndpointAsync("pod2", "compute2", "10.0.0.2");
        await plane.ServiceAsync("web");
        await plane.UntilReadyAsync("web");
        var (first, second) = (await UidAsync(plane, "pod1"), await UidAsync(plane, "pod2"));
        var reply = await plane.Api.PostAsync("/v1/namespaces/default/virtual-machine-interfaces:batch", """
            {"items":[{"name":"pod1","virtualRouter":"compute1","addresses":["10.0.0.2"],"labels":{"app":"web"}},{"name":"pod2","virtualRouter":"compute2","addresses":["10.0.0.1"],"labels":{"app":"web"}}]}
            """);
        Assert.Equal(200, reply.Status);
        await ControlPlane.UntilAsync(() => new[] { plane.Compute1, plane.Compute2 }.All(n => n.HolderOf("10.0.0.1") == second && n.HolderOf("10.0.0.2") == first));
    }

    private static async Task DeleteEndpointAsync(ControlPlane plane, string name) =>
        (await plane.Api.DeleteAsync($"/v1/namespaces/default/virtual-machine-interfaces/{name}")).Expect(204);

    private static async Task<Guid> UidAsync(ControlPlane plane, string name) =>
        Guid.Parse((string)(await plane.Api.GetAsync($"/v1/namespaces/default/virtual-machine-interfaces/{name}")).Json!["uid"]!);

    private static async Task AttachAsync(ControlPlane plane, string interfaces)
    {
        var reply = await plane.Api.PutAsync(Vip, $$"""{"externalNetwork":"default/vn","interfaces":{{interfaces}}}""");
        Assert.InRange(reply.Status, 200, 201);
    }

    private static Task UntilAttachedToAsync(ControlPlane plane, params string[] endpoints) => ControlPlane.UntilAsync(() => new[] { plane.Compute1, plane.Compute2 }.All(
        n => n.AttachmentOf(Address) is { Service: null } a && a.Endpoints.Order(Comparer<IPAddress>.Create((x, y) => string.CompareOrdinal($"{x}", $"{y}"))).SequenceEqual(endpoints.Select(IPAddress.Parse))));
}
