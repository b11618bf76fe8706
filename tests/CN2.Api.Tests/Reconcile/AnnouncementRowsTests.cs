using CN2.Api.Reconcile;
using CN2.Network.Compilation;

namespace CN2.Api.Tests.Reconcile;

/// <summary>When an announcement row must be written, and how it must read.</summary>
public sealed class AnnouncementRowsTests
{
    private readonly AnnouncementRows _rows = new();

    [Fact]
    public void A_row_is_missing_before_the_first_announcement_and_for_each_new_path()
    {
        Assert.Equal("1: compute1", Text(_rows.Missing([Sample.Route(1)])));
        Announce(1, "compute1");
        Assert.Equal("", Text(_rows.Missing([Sample.Route(1)])));
        Assert.Equal("1: compute1 compute2", Text(_rows.Missing([Sample.Route(1, "compute2")])));
    }

    [Fact]
    public void A_floating_IP_that_does_not_exist_any_more_gets_no_row()
    {
        _rows.WereAdded(_rows.Missing([Sample.Route(1), Sample.Route(2)]), new HashSet<Guid> { Sample.Uid(2) });
        Assert.Equal("2: compute1", Text(_rows.Saved));
        Assert.Equal("1: compute1", Text(_rows.Missing([Sample.Route(1)])));
    }

    [Theory]
    [InlineData(false, "compute1", "1: compute2")] // one path is left
    [InlineData(true, "compute1", "1: compute2")]
    [InlineData(false, "compute1 compute2", "1: gone")] // alone, the row goes with the last path
    [InlineData(true, "compute1 compute2", "1:")] // other replicas wait until the entries are gone too
    [InlineData(true, "compute3", "")] // the path was never in the row
    public void A_withdrawn_path_leaves_the_row(bool hasReaders, string withdrawn, string due)
    {
        _rows.HasReaders = hasReaders;
        Announce(1, "compute1", "compute2");
        _rows.Withdrawn(withdrawn.Split(' ').Select(r => Sample.Route(1, r)));
        Assert.Equal(due, Text(_rows.Due));
    }

    [Fact]
    public void A_released_row_goes_only_when_it_has_no_path()
    {
        _rows.HasReaders = true;
        Announce(1, "compute1");
        _rows.Release([Sample.Uid(1), Sample.Uid(7)]);
        Assert.Empty(_rows.Due);
        _rows.Withdrawn([Sample.Route(1)]);
        Assert.Equal("1:", Text(_rows.Due));
        _rows.Release([Sample.Uid(1)]);
        Assert.Equal("1: gone", Text(_rows.Due));
        _rows.WereSaved(_rows.Due);
        Assert.Empty(_rows.Saved);
        Assert.Empty(_rows.Due);
    }

    [Fact]
    public void A_path_that_is_announced_again_before_its_withdrawal_was_saved_stays_in_the_row()
    {
        Announce(1, "compute1");
        _rows.Withdrawn([Sample.Route(1)]);
        Assert.Equal("1: gone", Text(_rows.Due));
        Assert.Empty(_rows.Missing([Sample.Route(1)]));
        Assert.Empty(_rows.Due);
        Assert.Equal("1: compute1", Text(_rows.Saved));

        _rows.Withdrawn([Sample.Route(1)]);
        Assert.Equal("1: compute1 compute2", Text(_rows.Missing([Sample.Route(1, "compute2")])));
        Assert.Equal("1: compute2", Text(_rows.Due));
    }

    [Fact]
    public void The_first_set_removes_what_an_earlier_run_left()
    {
        _rows.Load(new Dictionary<Guid, HashSet<RouteKey>>
        {
            [Sample.Uid(1)] = [Sample.Route(1).Path, Sample.Route(1, "compute2").Path],
            [Sample.Uid(2)] = [Sample.Route(2).Path],
            [Sample.Uid(3)] = [Sample.Route(3).Path],
            [Sample.Uid(4)] = [],
        });
        Assert.True(_rows.HasPaths);
        _rows.ReplacedBy([Sample.Route(1), Sample.Route(3)], []);
        Assert.Equal("1: compute1, 2: gone, 4: gone", Text(_rows.Due));
    }

    private void Announce(int floatingIP, params string[] routers) =>
        _rows.WereAdded(_rows.Missing(routers.Select(r => Sample.Route(floatingIP, r))), new HashSet<Guid> { Sample.Uid(floatingIP) });

    private static string Text(IReadOnlyDictionary<Guid, IReadOnlyCollection<RouteKey>?> rows) => string.Join(", ", rows.OrderBy(r => r.Key).Select(r =>
        $"{r.Key.ToByteArray()[0]}:{(r.Value is null ? " gone" : string.Concat(r.Value.Order(Comparer<RouteKey>.Create((a, b) => string.CompareOrdinal(a.ToString(), b.ToString()))).Select(p => $" compute{(char)p.NextHop.GetAddressBytes()[3]}")))}"));
}
