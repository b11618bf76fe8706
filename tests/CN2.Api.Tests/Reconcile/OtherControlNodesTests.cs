using CN2.Api.Drivers;
using CN2.Api.Reconcile;
using CN2.Network.Compilation;

namespace CN2.Api.Tests.Reconcile;

/// <summary>What other replicas announce, and when the peers that they reach are news.</summary>
public sealed class OtherControlNodesTests
{
    private static readonly RouteKey Path1 = Sample.Route(1).Path;
    private static readonly RouteKey Path2 = Sample.Route(1, "compute2").Path;
    private readonly OtherControlNodes _others = new();

    [Fact]
    public void A_row_without_paths_holds_the_address_and_announces_nothing()
    {
        _others.Set(Sample.Uid(1), "cn-b", []);
        Assert.True(_others.Holds(Sample.Uid(1)));
        Assert.False(_others.MayAnnounce(Sample.Uid(1), null));
        _others.Set(Sample.Uid(1), "cn-c", [Path1]);
        Assert.True(_others.MayAnnounce(Sample.Uid(1), Sample.Router("compute1").Router));
        Assert.False(_others.MayAnnounce(Sample.Uid(1), Sample.Router("compute2").Router));
        Assert.True(_others.MayAnnounce(Sample.Uid(1), null));
        _others.Clear(Sample.Uid(1));
        Assert.False(_others.Holds(Sample.Uid(1)));
    }

    [Fact]
    public void A_path_is_announced_through_the_control_nodes_whose_rows_name_it()
    {
        _others.Take(View(("cn-b", [Session("vmx1", 5)]), ("cn-c", [])));
        _others.Set(Sample.Uid(1), "cn-b", [Path1, Path2]);
        _others.Set(Sample.Uid(1), "cn-c", [Path2]);
        _others.Set(Sample.Uid(1), "cn-d", [Path1]); // it has written no sessions yet
        Assert.Equal(["cn-b: vmx1", "cn-d: "], _others.Through(Sample.Uid(1), Path1).Select(o => $"{o.ControlNode}: {string.Join(',', o.Sessions.Select(s => s.Peer))}").Order());
        Assert.Empty(_others.Through(Sample.Uid(2), Path1));
    }

    [Fact]
    public void Reached_peers_are_news_and_counters_are_not()
    {
        Assert.False(_others.Take(View()));
        Assert.True(_others.Take(View(("cn-b", [Session("vmx1", 1)]))));
        Assert.False(_others.Take(View(("cn-b", [Session("vmx1", 2)]))));
        Assert.True(_others.Take(View(("cn-b", [Session("vmx1", 2, "Idle")]))));
        Assert.False(_others.Take(View(("cn-b", [Session("vmx1", 2, "Active")]))));
        Assert.True(_others.Take(View(("cn-b", [Session("vmx1", 2), Session("vmx2", 2)]))));
        Assert.True(_others.Any);
        Assert.True(_others.Take(View()));
        Assert.False(_others.Any);
    }

    private static ReplicaView View(params (string Name, BgpSession[] Sessions)[] others) =>
        new(others.Length > 0, false, false, others.ToDictionary(o => o.Name, o => (IReadOnlyList<BgpSession>)o.Sessions));

    private static BgpSession Session(string peer, long advertised, string state = "Established") => new(peer, state, default, ["inet"], true, advertised, 0, null);

    [Fact]
    public async Task What_no_other_replica_announces_any_more_says_so_also_when_all_rows_are_read_anew()
    {
        await using var parts = new LoopParts();
        var (state, changes) = (parts.State, parts.Get<ResourceChanges>());
        state.Resources.Put(Sample.Network);
        state.Resources.Put(Sample.FloatingIP(1));
        var floatingIP = Sample.FloatingIP(1).Uid;
        changes.ReplaceAnnouncements([(floatingIP, "cn-b", [Path1])]);
        state.Statuses.Clear();
        changes.ReplaceAnnouncements([]);
        Assert.False(state.Statuses.IsEmpty);
    }
}
