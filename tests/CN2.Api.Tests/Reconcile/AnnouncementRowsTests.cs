using CN2.Api.Reconcile;
using CN2.Network.Compilation;

namespace CN2.Api.Tests.Reconcile;

public sealed class AnnouncementRowsTests
{
    private static readonly FloatingIPRoute Route = Sample.Route(1);

    private readonly AnnouncementRows _rows = new() { HasReaders = false };

    [Fact]
    public void A_row_whose_writing_failed_may_stand_and_is_removed_when_its_route_goes()
    {
        _rows.Doubt(_rows.Missing([Route]));
        _rows.Withdrawn([Route]);
        Assert.Null(Assert.Single(_rows.Due).Value);
        _rows.WereSaved(_rows.Due);
        Assert.Empty(_rows.Due);
    }

    [Fact]
    public void A_row_whose_writing_or_removal_failed_is_written_before_its_route_is_announced()
    {
        var missing = _rows.Missing([Route]);
        _rows.Doubt(missing);
        Assert.NotEmpty(_rows.Missing([Route]));
        _rows.WereAdded(missing, new HashSet<Guid> { Route.FloatingIP });
        Assert.Empty(_rows.Missing([Route]));

        _rows.Withdrawn([Route]);
        _rows.Doubt(_rows.Due);
        Assert.NotEmpty(_rows.Missing([Route]));
    }

    /// <summary>The next process numbers the paths of an empty engine by the rows: by a number that is not the router's, a path is never withdrawn there.</summary>
    [Fact]
    public void A_row_with_a_new_number_is_written_before_its_route_is_announced_again()
    {
        var standing = new HashSet<Guid> { Route.FloatingIP };
        _rows.WereAdded(_rows.Missing([Route]), standing);
        _rows.MustRewrite(Route.FloatingIP);
        Assert.Equal([Route.Path], Assert.Single(_rows.Due).Value!);

        var missing = _rows.Missing([Route]);
        Assert.Equal([Route.Path], Assert.Single(missing).Value!);
        Assert.Single(_rows.Due);
        _rows.WereAdded(missing, standing);
        Assert.Empty(_rows.Missing([Route]));
        Assert.Empty(_rows.Due);
    }

    [Fact]
    public void Rows_that_name_the_same_paths_share_one_set()
    {
        var other = Route with { FloatingIP = Guid.NewGuid() };
        foreach (var route in (FloatingIPRoute[])[Route, other]) _rows.WereAdded(_rows.Missing([route]), new HashSet<Guid> { route.FloatingIP });
        Assert.Same(_rows.Saved[Route.FloatingIP], _rows.Saved[other.FloatingIP]);

        _rows.WereSaved(new Dictionary<Guid, IReadOnlyCollection<RouteKey>?> { [other.FloatingIP] = [] });
        Assert.Equal([Route.Path], _rows.Saved[Route.FloatingIP]!);
        Assert.Empty(_rows.Saved[other.FloatingIP]!);
    }
}
