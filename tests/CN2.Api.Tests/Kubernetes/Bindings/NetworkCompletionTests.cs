using CN2.Api.Data;
using CN2.Api.Kubernetes.Bindings;
using CN2.Api.Tests.Kubernetes.Requests;
using CN2.Network.Resources;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Kubernetes.Bindings;

/// <summary>VirtualNetworks that no write has completed. The reconciler of the server sleeps, so nobody leads but the test.</summary>
public sealed class NetworkCompletionTests(WritesServer api) : IClassFixture<WritesServer>
{
    private static readonly Guid Run = Guid.NewGuid();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_look_makes_a_few_and_a_process_that_is_started_goes_on_where_one_was_killed()
    {
        await api.NamespaceAsync("nc1");
        for (var i = 0; i < (2 * Limits.CompletedNetworks) + 5; i++) await NetworkAsync("nc1", $"n{i:00}", "common");
        await SubnetAsync("nc1", "common", "100.66.1.0/24");
        Assert.Equal(Limits.CompletedNetworks, await NetworksAsync("nc1"));
        using (var killed = Completion()) Assert.Equal(Limits.CompletedNetworks, await killed.LookAsync(await LeaseAsync(), Token));
        using var completion = Completion();
        Assert.Equal(5, await completion.LookAsync(await LeaseAsync(), Token));
        Assert.Equal(0, await completion.LookAsync(await LeaseAsync(), Token));
        Assert.Equal((2 * Limits.CompletedNetworks) + 5, await NetworksAsync("nc1"));
    }

    [Fact]
    public async Task Who_no_longer_leads_makes_none()
    {
        await api.NamespaceAsync("nc2");
        for (var i = 0; i < Limits.CompletedNetworks + 1; i++) await NetworkAsync("nc2", $"n{i:00}", "common");
        await SubnetAsync("nc2", "common", "100.66.2.0/24");
        using var completion = Completion();
        var lease = await LeaseAsync();
        Assert.Equal(0, await completion.LookAsync(lease with { Fence = lease.Fence - 1 }, Token));
        using var leading = Completion();
        Assert.Equal(1, await leading.LookAsync(await LeaseAsync(), Token));
    }

    [Fact]
    public async Task Those_that_cannot_be_made_keep_no_other_waiting_and_are_not_tried_each_time()
    {
        await api.NamespaceAsync("nc3");
        (await api.PutAsync("/v1/namespaces/nc3/external-networks/in-the-way", """{"subnets":[{"cidr":"100.66.3.0/24"}],"fabricForwarding":true}""")).Expect(201);
        for (var i = 0; i < Limits.CompletedNetworks + 2; i++) await NetworkAsync("nc3", $"bad{i:00}", "taken", "\"fabricForwarding\":true,");
        await SubnetAsync("nc3", "taken", "100.66.3.0/25");
        for (var i = 0; i < Limits.CompletedNetworks + 1; i++) await NetworkAsync("nc3", $"good{i:00}", "free");
        await SubnetAsync("nc3", "free", "100.66.4.0/24");
        using var completion = Completion();
        Assert.Equal(0, await completion.LookAsync(await LeaseAsync(), Token));
        Assert.Equal(1, await completion.LookAsync(await LeaseAsync(), Token));
        Assert.Equal(Limits.CompletedNetworks + 2, await NetworksAsync("nc3"));
        Assert.Contains("overlaps", await ObservationAsync("nc3", "bad00"), StringComparison.Ordinal);
        Assert.Contains("overlaps", await ObservationAsync("nc3", $"bad{Limits.CompletedNetworks + 1:00}"), StringComparison.Ordinal);

        // What is in the way goes, and they are networks after their pause.
        (await api.DeleteAsync("/v1/namespaces/nc3/external-networks/in-the-way")).Expect(204);
        using var later = Completion();
        Assert.Equal(1, await later.LookAsync(await LeaseAsync(), Token)); // the others overlap this one now
        (await api.RemoveAsync("/apis/core.contrail.juniper.net/v1alpha1/namespaces/nc3/virtualnetworks")).Expect(200);
    }

    [Fact]
    public async Task A_network_waits_no_longer_for_a_Subnet_that_another_door_has_made()
    {
        await api.NamespaceAsync("nc5");
        await NetworkAsync("nc5", "waits", "through-v1-v4");
        using var completion = Completion();
        Assert.Equal(0, await completion.LookAsync(await LeaseAsync(), Token));
        (await api.PutAsync("/v1/namespaces/nc5/external-networks/through-v1", """{"subnets":[{"cidr":"100.66.5.0/24"}]}""")).Expect(201);
        Assert.Equal(1, await completion.LookAsync(await LeaseAsync(), Token));
    }

    private NetworkCompletion Completion() => ActivatorUtilities.CreateInstance<NetworkCompletion>(api.Services);

    private async Task<LeaderLease> LeaseAsync() => (await api.Services.GetRequiredService<LeaderLeaseStore>().TakeAsync(Run, null, isStart: true, Token))!.Value.Lease;

    private async Task<int> NetworksAsync(string ns) => (await api.GetAsync($"/v1/namespaces/{ns}/external-networks?limit=1000")).Json!["items"]!.AsArray().Count;

    private async Task<string> ObservationAsync(string ns, string name) =>
        (string)(await api.ReadAsync($"/apis/core.contrail.juniper.net/v1alpha1/namespaces/{ns}/virtualnetworks/{name}")).Expect(200).Json!["status"]!["observation"]!;

    private async Task NetworkAsync(string ns, string name, string subnet, string more = "") => (await api.CreateAsync(
        $"/apis/core.contrail.juniper.net/v1alpha1/namespaces/{ns}/virtualnetworks",
        $$$$"""{"apiVersion":"core.contrail.juniper.net/v1alpha1","kind":"VirtualNetwork","metadata":{"name":"{{{{name}}}}"},"spec":{{{{{more}}}}"v4SubnetReference":{"name":"{{{{subnet}}}}"}}}""")).Expect(201);

    private async Task SubnetAsync(string ns, string name, string cidr) => (await api.CreateAsync(
        $"/apis/core.contrail.juniper.net/v1alpha1/namespaces/{ns}/subnets",
        $$$"""{"apiVersion":"core.contrail.juniper.net/v1alpha1","kind":"Subnet","metadata":{"name":"{{{name}}}"},"spec":{"cidr":"{{{cidr}}}"}}""")).Expect(201);
}
