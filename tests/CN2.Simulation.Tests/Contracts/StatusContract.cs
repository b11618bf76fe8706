using System.Net;
using CN2.Api.Data;
using CN2.Api.Data.Rows;
using CN2.Api.Reconcile;
using CN2.Api.Services;
using CN2.Network.Compilation;

namespace CN2.Simulation.Tests.Contracts;

/// <summary>What the leader writes: statuses, the end of what users have deleted, and addresses for who waits for one.</summary>
public abstract class StatusContract(StoreSite site) : StoreContract(site)
{
    private static readonly RouteKey Path = new(IPAddress.Parse("172.27.116.1"), 0);

    private IStatusStore Store => Site.Get<IStatusStore>();

    private IServiceLifecycle Lifecycle => Site.Get<IServiceLifecycle>();

    [Fact]
    public async Task A_status_is_written_of_what_exists_and_read_as_it_was_written()
    {
        var (lease, service, unknown) = (await Site.LeadAsync(), await Site.CreateServiceAsync(Unique("s")), Guid.NewGuid());
        var floatingIP = (await Site.FloatingIPOfAsync(service)).Uid;
        Assert.Empty(await Store.ReadAsync(ResourceKind.Service, [service], Ct));
        Assert.Equal([$"Modified Service {service} status"], await Site.ChangesOfAsync(async () => Assert.True(await WriteAsync(lease, ResourceKind.Service, (service, "1"), (unknown, "1")))));
        Assert.True(await WriteAsync(lease, ResourceKind.Service, (service, "2")));
        Assert.Equal([$"Modified FloatingIP {floatingIP} status"], await Site.ChangesOfAsync(() => WriteAsync(lease, ResourceKind.FloatingIP, (floatingIP, "3"))));
        Assert.Equal([KeyValuePair.Create(service, "2")], await Store.ReadAsync(ResourceKind.Service, [service, unknown], Ct));
        Assert.Equal("3", (await Store.ReadAsync(ResourceKind.FloatingIP, [floatingIP], Ct))[floatingIP]);
        Assert.Empty(await Store.ReadAsync(ResourceKind.Service, [floatingIP], Ct));
    }

    [Fact]
    public async Task Without_the_lease_no_status_is_written_and_the_answer_says_so()
    {
        var (lease, service) = (await Site.LeadAsync(), await Site.CreateServiceAsync(Unique("s")));
        Assert.Empty(await Site.ChangesOfAsync(async () => Assert.False(await WriteAsync(lease with { Fence = lease.Fence + 1 }, ResourceKind.Service, (service, "1")))));
        await PassAsync(LeaderLeaseStore.Duration.TotalSeconds + 1);
        Assert.False(await WriteAsync(lease, ResourceKind.Service, (service, "1")));
        Assert.Empty(await Store.ReadAsync(ResourceKind.Service, [service], Ct));
        await PassAsync(-3600);
        Assert.False(await WriteAsync(lease, ResourceKind.Service, (service, "1")));
    }

    [Fact]
    public async Task A_deleted_Service_ends_with_its_last_announcement_row()
    {
        var (lease, service) = (await Site.LeadAsync(), await Site.CreateServiceAsync(Unique("s")));
        var floatingIP = (await Site.FloatingIPOfAsync(service)).Uid;
        Assert.Equal(0, await Lifecycle.FinalizeAsync([service], [floatingIP], Ct, lease));
        await AnnounceAsync(floatingIP, [Path]);
        Assert.Equal(
            [$"Modified FloatingIP {floatingIP}", $"Modified Service {service}"], await Site.ChangesOfAsync(() => Site.DeleteServiceAsync(service), service, floatingIP));
        Assert.Equal(0, await Lifecycle.FinalizeAsync([service], [], Ct, lease));
        await AnnounceAsync(floatingIP, []);
        Assert.Equal(0, await Lifecycle.FinalizeAsync([service], [], Ct, lease));
        await AnnounceAsync(floatingIP, null);
        Assert.Equal(0, await Lifecycle.FinalizeAsync([service], [], Ct, lease with { Fence = lease.Fence - 1 }));
        Assert.Equal(
            [$"Deleted FloatingIP {floatingIP}", $"Deleted Service {service}"],
            await Site.ChangesOfAsync(async () => Assert.NotEqual(0, await Lifecycle.FinalizeAsync([service], [], Ct, lease)), service, floatingIP));
        Assert.Equal(0, await Lifecycle.FinalizeAsync([service], [], Ct, lease));
    }

    [Fact]
    public async Task A_deleted_FloatingIP_ends_with_its_last_announcement_row()
    {
        var (lease, floatingIP) = (await Site.LeadAsync(), await Site.ReserveAsync(Unique("r")));
        await AnnounceAsync(floatingIP, [Path]);
        await Site.DeleteFloatingIPAsync(floatingIP);
        Assert.True((await Site.ReadAsync()).FloatingIPs.Items.Single(f => f.Uid == floatingIP).Deleting);
        Assert.Equal(0, await Lifecycle.FinalizeAsync([], [floatingIP], Ct, lease));
        await AnnounceAsync(floatingIP, null);
        Assert.Equal(
            [$"Deleted FloatingIP {floatingIP}"], await Site.ChangesOfAsync(async () => Assert.Equal(1, await Lifecycle.FinalizeAsync([], [floatingIP], Ct, lease))));
    }

    [Fact]
    public async Task A_Service_that_lacks_an_address_gets_one_that_is_freed()
    {
        var lease = await Site.LeadAsync();
        List<Guid> services = [await Site.CreateServiceAsync(Unique("s"), inSmallNetwork: true)];
        while (await PendingAsync(services[^1]) is null) services.Add(await Site.CreateServiceAsync(Unique("s"), inSmallNetwork: true));
        Assert.Equal("AddressesExhausted", await PendingAsync(services[^1]));
        Assert.Equal(0, await Lifecycle.ServePendingAsync([services[^1]], Ct));
        var freed = await Site.FloatingIPOfAsync(services[0]);
        await AnnounceAsync(freed.Uid, [Path]);
        await Site.DeleteServiceAsync(services[0]);
        Assert.Equal(0, await Lifecycle.ServePendingAsync([services[^1]], Ct));
        await AnnounceAsync(freed.Uid, null);
        await Lifecycle.FinalizeAsync([services[0]], [], Ct, lease);
        var changes = await Site.ChangesOfAsync(async () => Assert.Equal(1, await Lifecycle.ServePendingAsync([services[^1], Guid.NewGuid()], Ct)));
        var held = await Site.FloatingIPOfAsync(services[^1]);
        Assert.Equal([$"Added FloatingIP {held.Uid}", $"Modified Service {services[^1]}"], changes);
        Assert.Equal(freed.Address, held.Address);
        Assert.Null(await PendingAsync(services[^1]));
        Assert.Equal(0, await Lifecycle.ServePendingAsync([services[^1]], Ct));
        foreach (var service in services[1..]) await Site.DeleteServiceAsync(service);
    }

    [Fact]
    public async Task What_a_probe_found_is_saved_when_it_is_new_and_the_endpoint_is_still_there()
    {
        var store = Site.Get<IEndpointHealthStore>();
        var endpoint = await Site.CreateEndpointAsync(Unique("e"), IPAddress.Parse("10.0.0.1"), "compute1");
        var now = DateTimeOffset.UtcNow;
        Assert.Equal([$"Modified VirtualMachineInterface {endpoint}"], await Site.ChangesOfAsync(() => store.SaveAsync([new(endpoint, "compute1", "Unhealthy", null)], now, Ct)));
        Assert.Empty(await Site.ChangesOfAsync(() => store.SaveAsync([new(endpoint, "compute1", "Unhealthy", "again"), new(endpoint, "compute2", "Healthy", null), new(Guid.NewGuid(), "compute1", "Healthy", null)], now, Ct)));
        Assert.Equal("Unhealthy", $"{(await Site.ReadAsync()).VirtualMachineInterfaces.Items.Single(e => e.Uid == endpoint).Health}");
        Assert.Equal(0, await store.ReleaseAsync(await Site.LeadAsync(), Ct));
    }

    private async Task<string?> PendingAsync(Guid service) => (await Site.ReadAsync()).Services.Items.Single(s => s.Uid == service).PendingReason;

    private Task<bool> WriteAsync(LeaderLease lease, ResourceKind kind, params (Guid Uid, string Document)[] documents) =>
        Store.WriteAsync(lease, kind, [.. documents.Select(d => KeyValuePair.Create(d.Uid, d.Document))], [], Ct);

    private Task<HashSet<Guid>> AnnounceAsync(Guid floatingIP, RouteKey[]? paths) => Site.Get<IAnnouncementStore>().SaveAsync(
        "cn-a", new Dictionary<Guid, IReadOnlyCollection<RouteKey>?> { [floatingIP] = paths }, (_, _) => 1, tellOthers: false, Ct);
}

public sealed class MemoryStatusTests() : StatusContract(new MemoryStores());

[Collection(PostgresStoresCollection.Name)]
public sealed class PostgresStatusTests(PostgresStores site) : StatusContract(site);
