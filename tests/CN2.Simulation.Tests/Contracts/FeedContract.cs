using System.Net;
using CN2.Api.Data;
using CN2.Api.Reconcile;
using CN2.Network.Resources;

namespace CN2.Simulation.Tests.Contracts;

/// <summary>What a reading sees, and where in the feed it is.</summary>
public abstract class FeedContract(StoreSite site) : StoreContract(site)
{
    private IChangeFeedReader Feed => Site.Get<IChangeFeedReader>();

    private IStateReader Rows => Site.Get<IStateReader>();

    [Fact]
    public async Task A_reading_sees_one_moment_and_its_position_leads_on_from_there()
    {
        await using var reading = await Rows.OpenAsync(Ct);
        var position = (await Feed.EndAsync(reading, Ct))!;
        var service = await Site.CreateServiceAsync(Unique("s"));
        Assert.DoesNotContain((await Rows.ReadAllAsync(reading, Ct))!.Services.Items, s => s.Uid == service);
        Assert.Empty((await Rows.ServicesAsync(reading, [service], Ct)).Items);
        Assert.Empty((await Feed.ReadAsync(reading, position, 10, Ct)).Rows);
        await using var later = await Rows.OpenAsync(Ct);
        Assert.Equal([service], (await Rows.ServicesAsync(later, [service, Guid.NewGuid()], Ct)).Items.Select(s => s.Uid));
        var page = await Feed.ReadAsync(later, position, 10, Ct);
        Assert.Equal((FeedGap.None, false), (page.Gap, page.More));
        Assert.Contains(page.Rows, r => r.Uid == service);
        Assert.Equal($"{await Feed.EndAsync(later, Ct)}", $"{page.End}");
        Assert.Single(page.Rows.Select(r => r.Xid).Distinct());
        Assert.Equal(page.Rows[0].Xid, (await Rows.ReadAllAsync(later, Ct))!.RecentChanges[0]);
    }

    [Fact]
    public async Task A_page_that_is_full_is_followed_by_the_rest()
    {
        FeedPosition position;
        await using (var reading = await Rows.OpenAsync(Ct)) position = (await Feed.EndAsync(reading, Ct))!;
        foreach (var _ in Enumerable.Range(0, 3)) await Site.CreateServiceAsync(Unique("s"));
        await using var later = await Rows.OpenAsync(Ct);
        var all = (await Feed.ReadAsync(later, position, 100, Ct)).Rows.Select(r => r.Id).ToList();
        var pages = new List<long>();
        for (var more = true; more;)
        {
            var page = await Feed.ReadAsync(later, position, 4, Ct);
            pages.AddRange(page.Rows.Select(r => r.Id));
            (position, more) = (page.End, page.More);
        }

        Assert.Equal(all, pages);
    }

    [Fact]
    public async Task A_transaction_that_is_open_holds_nothing_back_and_is_not_seen()
    {
        FeedPosition position;
        await using (var reading = await Rows.OpenAsync(Ct)) position = (await Feed.EndAsync(reading, Ct))!;
        FeedPosition meanwhile;
        Guid service;
        await using (await Site.OpenTransactionAsync())
        {
            service = await Site.CreateServiceAsync(Unique("s"));
            await using var reading = await Rows.OpenAsync(Ct);
            var page = await Feed.ReadAsync(reading, position, 10, Ct);
            Assert.Contains(page.Rows, r => r.Uid == service);
            meanwhile = page.End;
            Assert.Single(meanwhile.Seen.Running);
            Assert.False(meanwhile.Seen.Sees(meanwhile.Seen.Running[0]));
        }

        await using var later = await Rows.OpenAsync(Ct);
        var rest = await Feed.ReadAsync(later, meanwhile, 10, Ct);
        Assert.Empty(rest.Rows);
        Assert.True(rest.End.Seen.Sees(meanwhile.Seen.Running[0]));
    }

    [Fact]
    public async Task A_position_of_another_life_of_the_database_leads_nowhere()
    {
        await using var reading = await Rows.OpenAsync(Ct);
        var position = (await Feed.EndAsync(reading, Ct))!;
        Assert.Equal(FeedGap.Epoch, (await Feed.ReadAsync(reading, position with { Epoch = Guid.NewGuid() }, 10, Ct)).Gap);
        var future = new FeedSnapshot(position.Seen.Xmax + 1000, []);
        Assert.Equal(FeedGap.Epoch, (await Feed.ReadAsync(reading, position with { Seen = future }, 10, Ct)).Gap);
    }

    [Fact]
    public async Task Rows_are_read_as_what_decisions_are_made_with()
    {
        var (serviceName, reservedName, endpointName, peerName) = (Unique("s"), Unique("r"), Unique("e"), Unique("frr"));
        var service = await Site.CreateServiceAsync(serviceName);
        var reserved = await Site.ReserveAsync(reservedName);
        var endpoint = await Site.CreateEndpointAsync(endpointName, IPAddress.Parse("10.0.0.7"), "compute1");
        await Site.CreatePeerAsync(peerName, IPAddress.Parse("172.27.114.7"));
        var floatingIP = (await Site.FloatingIPOfAsync(service)).Uid;
        await using var reading = await Rows.OpenAsync(Ct);
        var read = Assert.Single((await Rows.ServicesAsync(reading, [service], Ct)).Items);
        Assert.Equal((serviceName, false, null, ServiceType.LoadBalancer), (read.Id.Name, read.Deleting, read.PendingReason, read.Type));
        var addresses = (await Rows.FloatingIPsAsync(reading, [floatingIP, reserved], Ct)).Items;
        var (held, kept) = (addresses.Single(f => f.Uid == floatingIP), addresses.Single(f => f.Uid == reserved));
        Assert.Equal((service, false, FloatingIPKind.External, false), (held.Service, held.Reserved, held.Kind, held.Deleting));
        Assert.Equal((null, true, FloatingIPKind.External, reservedName), (kept.Service, kept.Reserved, kept.Kind, kept.Id.Name));
        var network = Assert.Single((await Rows.ExternalNetworksAsync(reading, [held.ExternalNetwork!.Value], Ct)).Items);
        Assert.True(network.FabricForwarding);
        Assert.Equal(Advertisement.Default, network.Advertisement);
        var found = Assert.Single((await Rows.VirtualMachineInterfacesAsync(reading, [endpoint], Ct)).Items);
        Assert.Equal((endpointName, true, "compute1", EndpointHealth.Unknown), (found.Id.Name, found.Ready, found.VirtualRouter, found.Health));
        Assert.Equal([IPAddress.Parse("10.0.0.7")], found.Addresses);
        var peer = (await Rows.BgpPeersAsync(reading, Ct)).Peers.Single(p => p.Name == peerName);
        Assert.Equal((IPAddress.Parse("172.27.114.7"), 64512u, true, false), (peer.Address, (uint)peer.AutonomousSystem, peer.AddPath, peer.AdminDown));
    }
}

public sealed class MemoryFeedTests() : FeedContract(new MemoryStores());

[Collection(PostgresStoresCollection.Name)]
public sealed class PostgresFeedTests(PostgresStores site) : FeedContract(site);
