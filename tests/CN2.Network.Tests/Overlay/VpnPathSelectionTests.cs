using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Overlay;
using CN2.Network.Resources;

namespace CN2.Network.Tests.Overlay;

public sealed class VpnPathSelectionTests
{
    [Theory]
    [InlineData("172.27.115.245", 16, "", null)]
    [InlineData("172.27.115.245", 1048575, "13", null)]
    [InlineData("172.27.115.245", 300, "8 2", null)]
    [InlineData("172.27.115.245", 300, "11", null)]
    [InlineData("172.27.115.245", 15, "13", UnusableRoute.LabelOutOfRange)]
    [InlineData("172.27.115.245", 1048576, "13", UnusableRoute.LabelOutOfRange)]
    [InlineData("172.27.115.245", 300, "8 14", UnusableRoute.NoCommonEncapsulation)]
    [InlineData("2001:db8::1", 300, "13", UnusableRoute.NextHopNotIPv4)]
    [InlineData("127.0.0.1", 300, "13", UnusableRoute.NextHopUnusable)]
    [InlineData("0.1.2.3", 300, "", UnusableRoute.NextHopUnusable)]
    [InlineData("224.0.0.5", 300, "", UnusableRoute.NextHopUnusable)]
    public void A_route_that_cannot_be_used_says_why(string nextHop, uint label, string encapsulations, UnusableRoute? fault)
    {
        var route = Route(nextHop, label, encapsulations);
        Assert.Equal(fault, VpnPathSelection.FaultOf(route));
        Assert.Equal(fault is null, VpnPathSelection.IsUsable(route));
        Assert.Equal(fault is null ? [route] : [], VpnPathSelection.Best([route]));
    }

    [Fact]
    public void All_equal_best_routes_are_used_in_any_order_of_arrival()
    {
        var better = Route("172.27.115.245", 300, "13");
        var equal = Route("172.27.115.246", 301, "13");
        var worse = Route("172.27.115.247", 302, "13") with { Med = 5 };
        var unusable = Route("172.27.115.248", 3, "13") with { LocalPreference = 500 };
        Assert.Equal([better, equal], BestOf(worse, unusable, better, equal));
        Assert.Equal([better, equal], BestOf(equal, worse, better, unusable));
        Assert.Empty(BestOf(unusable));
    }

    [Fact]
    public void The_best_64_paths_of_a_prefix_are_used_and_routes_by_the_same_path_count_once()
    {
        var routes = Enumerable.Range(1, Limits.ImportedPaths).SelectMany(i => new[] { Via(i, 0), Via(i, 1) }).ToList();
        Assert.Equal(routes.Count, BestOf([.. routes]).Count);
        Assert.Equal(Limits.ImportedPaths, PathsOf(routes).Count);
        routes.AddRange(Enumerable.Range(Limits.ImportedPaths + 1, 10_000).Select(i => Via(i, 0)));
        Assert.Equal(Enumerable.Range(1, Limits.ImportedPaths).Select(i => Via(i, 0).NextHop), PathsOf(routes).Select(p => p.NextHop));
        // A better one is used, however many others there are.
        var better = Via(20_000, 0) with { LocalPreference = 101 };
        Assert.Equal([better.NextHop], PathsOf([.. routes, better]).Select(p => p.NextHop));

        static ImportedRoute Via(int number, int distinguisher)
        {
            var route = Route($"10.0.{number >> 8}.{number & 255}", 300, "13");
            return route with { Key = route.Key with { RouteDistinguisher = $"{distinguisher}:{number}" } };
        }

        static EquatableList<VpnPath> PathsOf(IEnumerable<ImportedRoute> routes) =>
            VpnPathSelection.Select(new VpnRouteKey(1, IPNetwork.Parse("10.99.0.0/24")), routes.Reverse().Order(VpnPathSelection.Order))!.Paths;
    }

    private static List<ImportedRoute> BestOf(params ImportedRoute[] routes) => [.. VpnPathSelection.Best(routes.Order(VpnPathSelection.Order))];

    private static ImportedRoute Route(string nextHop, uint label, string encapsulations) => new()
    {
        Key = new ImportedRouteKey("vmx1", "64512:1", IPNetwork.Parse("10.99.0.0/24")),
        NextHop = IPAddress.Parse(nextHop),
        Label = label,
        RouteTargets = [RouteTarget.Automatic(64512, 1)!.Value],
        Encapsulations = encapsulations.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(ushort.Parse).ToEquatableList(),
    };
}
