using System.Net;
using CN2.Network.Collections;
using CN2.Network.Overlay;
using CN2.Network.Tests.Compilation;

namespace CN2.Network.Tests.Overlay;

public sealed class VpnTableTests
{
    private readonly VpnTable _table = new();

    [Fact]
    public void A_route_goes_into_every_instance_that_imports_one_of_its_targets()
    {
        _table.Put(Given.Network("a", underlay: false, 1, "target:64512:1"));
        _table.Put(Given.Network("b", underlay: false, 2, "target:64512:1", "target:64512:2"));
        _table.Put(Given.Network("c", underlay: false, 3, "target:64512:3"));
        Learn("vmx1", "10.99.0.0/24", "target:64512:1");
        Assert.Equal([1, 2], _table.TakeChanged().Select(k => k.RoutingInstance).Order());
        Assert.NotNull(Find(1, "10.99.0.0/24"));
        Assert.Null(Find(3, "10.99.0.0/24"));
    }

    [Fact]
    public void A_network_that_begins_to_import_finds_what_was_learned_before()
    {
        Learn("vmx1", "10.99.0.0/24", "target:64512:1");
        Assert.True(_table.Put(Given.Network("a", underlay: false, 1, "target:64512:1")));
        Assert.NotNull(Find(1, "10.99.0.0/24"));
        Assert.True(_table.Put(Given.Network("a", underlay: false, 1, "target:64512:2")));
        Assert.Null(Find(1, "10.99.0.0/24"));
        Assert.Single(_table.TakeChanged());
    }

    [Fact]
    public void A_network_in_the_underlay_imports_nothing()
    {
        Assert.False(_table.Put(Given.Network("a", underlay: true, 1, "target:64512:1")));
        Assert.Empty(_table.ImportTargets);
        _table.Put(Given.Network("a", underlay: false, 1, "target:64512:1"));
        Assert.Equal(2, _table.ImportTargets.Count);
        Assert.True(_table.Put(Given.Network("a", underlay: true, 1, "target:64512:1")));
        Assert.Empty(_table.ImportTargets);
    }

    [Fact]
    public void A_withdrawn_route_leaves_nothing_behind()
    {
        _table.Put(Given.Network("a", underlay: false, 1, "target:64512:1"));
        Learn("vmx1", "10.99.0.0/24", "target:64512:1");
        _table.TakeChanged();
        _table.Apply(new ImportedRouteChange(Key("vmx1", "10.99.0.0/24"), null));
        Assert.Equal(new VpnRouteKey(1, IPNetwork.Parse("10.99.0.0/24")), Assert.Single(_table.TakeChanged()));
        Assert.Empty(_table.RoutesOf(1));
        Assert.Empty(_table.ImportedBy(1));
    }

    [Fact]
    public void Equal_routes_are_used_together_and_worse_ones_are_only_shown()
    {
        _table.Put(Given.Network("a", underlay: false, 1, "target:64512:1"));
        Learn("vmx1", "10.99.0.0/24", "target:64512:1", r => r with { NextHop = IPAddress.Parse("172.27.115.246"), Label = 200 });
        Learn("vmx2", "10.99.0.0/24", "target:64512:1");
        Learn("vmx3", "10.99.0.0/24", "target:64512:1", r => r with { LocalPreference = 50 });
        Learn("vmx4", "10.99.0.0/24", "target:64512:1", r => r with { ASPathLength = 1 });
        Learn("vmx5", "10.99.0.0/24", "target:64512:1", r => r with { Med = 1 });
        Assert.Equal(["172.27.115.245", "172.27.115.246"], Find(1, "10.99.0.0/24")!.Paths.Select(p => p.NextHop.ToString()));
        Assert.Equal(5, _table.ImportedBy(1).Count);
    }

    [Theory]
    [InlineData("172.27.115.245", 100u, "", "gre")]
    [InlineData("172.27.115.245", 100u, "2", "gre")]
    [InlineData("172.27.115.245", 100u, "11", "gre")]
    [InlineData("172.27.115.245", 100u, "13", "udp")]
    [InlineData("172.27.115.245", 100u, "2,13", "gre udp")]
    [InlineData("172.27.115.245", 100u, "8", "")]
    [InlineData("fd00::245", 100u, "13", "")]
    [InlineData("172.27.115.245", 3u, "13", "")]
    [InlineData("172.27.115.245", 1048576u, "13", "")]
    public void A_path_is_used_by_the_encapsulations_both_ends_know(string nextHop, uint label, string encapsulations, string expected)
    {
        _table.Put(Given.Network("a", underlay: false, 1, "target:64512:1"));
        Learn("vmx1", "10.99.0.0/24", "target:64512:1", r => r with
        {
            NextHop = IPAddress.Parse(nextHop),
            Label = label,
            Encapsulations = encapsulations.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(ushort.Parse).ToEquatableList(),
        });
        var path = Find(1, "10.99.0.0/24")?.Paths.Single();
        Assert.Equal(expected, path is { } p ? $"{(p.MplsOverGre ? "gre" : "")} {(p.MplsOverUdp ? "udp" : "")}".Trim() : "");
    }

    /// <summary>Changes one at a time, in any order, end as if everything had been put at once.</summary>
    [Fact]
    public void Incremental_changes_give_the_result_of_a_full_computation()
    {
        var random = new Random(7);
        string[] targets = ["target:64512:1", "target:64512:2", "target:64512:3"];
        string[] prefixes = ["10.99.0.0/24", "10.98.0.0/16", "2001:db8::/64"];
        for (var run = 0; run < 200; run++)
        {
            var table = new VpnTable();
            var networks = new Dictionary<string, string[]>();
            var routes = new Dictionary<ImportedRouteKey, ImportedRoute>();
            for (var step = 0; step < 40; step++)
            {
                var some = targets.Where(_ => random.Next(2) == 0).ToArray();
                if (random.Next(3) == 0)
                {
                    var name = $"n{random.Next(3)}";
                    if (random.Next(4) == 0)
                    {
                        table.Remove(Given.Uid("network", name));
                        networks.Remove(name);
                    }
                    else
                    {
                        table.Put(Network(name, some));
                        networks[name] = some;
                    }
                }
                else
                {
                    var key = Key($"vmx{random.Next(2)}", prefixes[random.Next(3)]);
                    var route = random.Next(4) == 0 ? null : Route(key, some);
                    table.Apply(new ImportedRouteChange(key, route));
                    if (route is null) routes.Remove(key);
                    else routes[key] = route;
                }
            }

            var whole = new VpnTable();
            foreach (var (key, route) in routes) whole.Apply(new ImportedRouteChange(key, route));
            foreach (var (name, some) in networks) whole.Put(Network(name, some));
            for (var instance = 1; instance <= 3; instance++)
            {
                Assert.Equal(whole.ImportedBy(instance), table.ImportedBy(instance));
                Assert.Equal(Sorted(whole.RoutesOf(instance)), Sorted(table.RoutesOf(instance)));
            }

            Assert.Equal(whole.ImportTargets.Order(), table.ImportTargets.Order());
        }

        static CN2.Network.Resources.ExternalNetwork Network(string name, string[] some) => Given.Network(name, underlay: false, name[1] - '0' + 1, some);
        static IEnumerable<VpnRoute> Sorted(IEnumerable<VpnRoute> routes) => routes.OrderBy(r => r.Key.Prefix.ToString(), StringComparer.Ordinal);
    }

    private static ImportedRouteKey Key(string peer, string prefix) => new(peer, $"64512:{peer[^1]}", IPNetwork.Parse(prefix));

    private static ImportedRoute Route(ImportedRouteKey key, params string[] targets) => new()
    {
        Key = key,
        NextHop = IPAddress.Parse("172.27.115.245"),
        Label = 100,
        RouteTargets = targets.Select(Given.Target).ToEquatableList(),
        Encapsulations = [2, 13],
    };

    private void Learn(string peer, string prefix, string target, Func<ImportedRoute, ImportedRoute>? change = null)
    {
        var route = Route(Key(peer, prefix), target);
        _table.Apply(new ImportedRouteChange(route.Key, change?.Invoke(route) ?? route));
    }

    private VpnRoute? Find(int instance, string prefix) => _table.Find(new VpnRouteKey(instance, IPNetwork.Parse(prefix)));
}
