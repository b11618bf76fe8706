using System.Net;
using CN2.Api.Reconcile;
using CN2.Network.Compilation;

namespace CN2.Simulation.Tests.Contracts;

/// <summary>The FloatingIPs that control nodes announce.</summary>
public abstract class AnnouncementContract(StoreSite site) : StoreContract(site)
{
    private static readonly RouteKey First = new(IPAddress.Parse("172.27.116.1"), 0);
    private static readonly RouteKey Second = new(IPAddress.Parse("172.27.116.2"), 5);

    private IAnnouncementStore Store => Site.Get<IAnnouncementStore>();

    [Fact]
    public async Task Rows_are_read_as_they_were_saved_and_the_answer_names_those_that_stand()
    {
        var (one, two, unknown) = (await FloatingIPAsync(), await FloatingIPAsync(), Guid.NewGuid());
        Assert.Equal([one], await SaveAsync("cn-a", (one, [First, Second]), (unknown, [First]), (two, null)));
        Assert.Equal([two], await SaveAsync("cn-b", (two, [])));
        var saved = Assert.Single(await Store.LoadAsync("cn-a", Ct));
        Assert.Equal(one, saved.FloatingIP);
        Assert.Equal((await Site.ReadAsync()).FloatingIPs.Items.Single(f => f.Uid == one).Address, saved.Address);
        Assert.Equal(new Dictionary<RouteKey, uint> { [First] = 7, [Second] = 12 }, saved.Paths);
        Assert.Equal([one], await SaveAsync("cn-a", (one, [Second])));
        Assert.Equal([Second], Assert.Single(await Store.LoadAsync("cn-a", Ct)).Paths.Keys);
        Assert.Empty(await SaveAsync("cn-a", (one, null), (two, null)));
        Assert.Empty(await Store.LoadAsync("cn-a", Ct));
        Assert.Empty(Assert.Single(await Store.LoadAsync("cn-b", Ct)).Paths);
    }

    [Fact]
    public async Task Others_are_told_by_change_rows_or_not()
    {
        var (one, two, unknown) = (await FloatingIPAsync(), await FloatingIPAsync(), Guid.NewGuid());
        Assert.Empty(await Site.ChangesOfAsync(() => SaveAsync("cn-a", (one, [First]), (two, null))));
        Assert.Equal(Sorted(one, two, unknown), await Site.ChangesOfAsync(() => SaveAsync("cn-a", tellOthers: true, (one, [First]), (two, null), (unknown, []))));
        Assert.Equal(Sorted(Guid.Empty), await Site.ChangesOfAsync(() => Store.IntroduceAsync("cn-a", Ct)));
    }

    [Fact]
    public async Task Of_others_are_read_those_of_the_FloatingIPs_asked_for_as_the_reading_sees_them()
    {
        var (one, two) = (await FloatingIPAsync(), await FloatingIPAsync());
        await SaveAsync("cn-a", (one, [First]));
        await SaveAsync("cn-b", (one, [Second]), (two, []));
        await using var reading = await Site.Get<IStateReader>().OpenAsync(Ct);
        Assert.Equal(2, (await Store.OfOthersAsync(reading, "cn-a", null, Ct)).Count);
        await SaveAsync("cn-b", (one, null));
        await SaveAsync("cn-c", (one, [First]));
        Assert.Equal(["cn-b"], (await Store.OfOthersAsync(reading, "cn-a", [one], Ct)).Select(r => r.ControlNode));
        Assert.Equal([Second], (await Store.OfOthersAsync(reading, "cn-a", [one], Ct))[0].Paths);
        Assert.Empty(await Store.OfOthersAsync(reading, "cn-b", [two], Ct));
        Assert.Empty(await Store.OfOthersAsync(reading, "cn-a", [], Ct));
        await using var later = await Site.Get<IStateReader>().OpenAsync(Ct);
        Assert.Equal(["cn-a", "cn-c"], (await Store.OfOthersAsync(later, "cn-b", [one], Ct)).Select(r => r.ControlNode).Order());
    }

    [Fact]
    public async Task A_row_that_is_missing_is_written_for_a_control_node_that_learns_of_it()
    {
        var (one, two, unknown) = (await FloatingIPAsync(), await FloatingIPAsync(), Guid.NewGuid());
        await Site.BeatAsync("cn-a");
        await Store.LoadAsync("cn-a", Ct);
        await SaveAsync("cn-a", (one, [First]));
        Assert.False((await Site.BeatAsync("cn-a")).Unknown);
        var lost = new (Guid, string, RouteKey[])[] { (one, "cn-a", [Second]), (two, "cn-a", [Second]), (unknown, "cn-a", [First]), (two, "cn-z", [First]) };
        Assert.Equal(Sorted(two), await Site.ChangesOfAsync(async () => Assert.Equal([(two, "cn-a")], await Store.RestoreAsync(lost, Ct))));
        // An answer may be lost: it learns of it until it has read its rows.
        Assert.True((await Site.BeatAsync("cn-a")).Unknown);
        Assert.True((await Site.BeatAsync("cn-a")).Unknown);
        var saved = (await Store.LoadAsync("cn-a", Ct)).ToDictionary(r => r.FloatingIP, r => r.Paths);
        Assert.Equal(new Dictionary<RouteKey, uint> { [First] = 7 }, saved[one]);
        Assert.Equal(new Dictionary<RouteKey, uint> { [Second] = 0 }, saved[two]);
        Assert.Empty(await Store.RestoreAsync(lost, Ct));
        Assert.False((await Site.BeatAsync("cn-a")).Unknown);
    }

    [Fact]
    public async Task A_write_that_arrives_after_a_later_one_changes_nothing()
    {
        var one = await FloatingIPAsync();
        await Store.LoadAsync("cn-a", Ct);
        await SaveAsync("cn-a", (one, [First]));
        // The next run of the control node reads its rows.
        var next = Site.Get<IAnnouncementStore>("cn-a again");
        Assert.Equal(one, Assert.Single(await next.LoadAsync("cn-a", Ct)).FloatingIP);
        await Assert.ThrowsAsync<SupersededWriteException>(() => SaveAsync("cn-a", (one, [Second])));
        Assert.Equal([First], Assert.Single(await next.LoadAsync("cn-a", Ct)).Paths.Keys);
        await Assert.ThrowsAsync<SupersededWriteException>(() => SaveAsync("cn-a", (one, null)));
        Assert.Equal([First], Assert.Single(await next.LoadAsync("cn-a", Ct)).Paths.Keys);
        // Whoever writes on after that has taken its turn again.
        await Assert.ThrowsAsync<SupersededWriteException>(() => SaveAsync("cn-a", (one, null)));
        Assert.Equal([one], await SaveAsync("cn-a", (one, [Second])));
    }

    private static string[] Sorted(params Guid[] floatingIPs) => [.. floatingIPs.Select(f => $"Modified Announcements cn-a {f} status").Order(StringComparer.Ordinal)];

    private async Task<Guid> FloatingIPAsync() => (await Site.FloatingIPOfAsync(await Site.CreateServiceAsync(Unique("s")))).Uid;

    private Task<HashSet<Guid>> SaveAsync(string controlNode, params (Guid FloatingIP, RouteKey[]? Paths)[] rows) => SaveAsync(controlNode, false, rows);

    private Task<HashSet<Guid>> SaveAsync(string controlNode, bool tellOthers, params (Guid FloatingIP, RouteKey[]? Paths)[] rows) => Store.SaveAsync(
        controlNode, rows.ToDictionary(r => r.FloatingIP, r => (IReadOnlyCollection<RouteKey>?)r.Paths), (_, path) => 7 + (uint)path.RoutingInstance, tellOthers, Ct);
}

public sealed class MemoryAnnouncementTests() : AnnouncementContract(new MemoryStores());

[Collection(PostgresStoresCollection.Name)]
public sealed class PostgresAnnouncementTests(PostgresStores site) : AnnouncementContract(site);
