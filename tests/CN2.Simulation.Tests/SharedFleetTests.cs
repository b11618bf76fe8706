using System.Net;
using CN2.Api.Reconcile;
using CN2.Simulation.Tests.Bgp;
using CN2.Simulation.Tests.Database;
using CN2.Simulation.Tests.World;

namespace CN2.Simulation.Tests;

/// <summary>Three control nodes share the agents of twelve nodes, one of them comes and goes, and no route goes meanwhile.</summary>
public sealed class SharedFleetTests
{
    private const int ControlNodes = 3;
    private const int Nodes = 12;
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Agents_spread_over_control_nodes_that_come_and_go_and_no_route_goes(int seed)
    {
        var site = new Site(seed, ControlNodes, Nodes);
        site.Begin();
        var writes = new Writes(site.Database);
        for (var i = 0; i < 4; i++) writes.CreateService($"s{i}", site.Database.Networks.Keys.First(), $"app{i % 2}");
        foreach (var (i, node) in site.Nodes.Index()) writes.CreateEndpoint($"e{i}", $"app{i % 2}", new IPAddress([10, 0, 0, (byte)(i + 1)]), node.Name);
        var last = site.ControlNodes[^1];
        Until(site, SimulationRun.Bound, () => site.Invariants.Unmet().Count == 0);
        var routes = Routes(site);
        Assert.NotEmpty(routes);

        for (var round = 0; round < 4; round++)
        {
            last.Kill();
            UntilAllAreElsewhere();
            Pass(TimeSpan.FromMinutes(1));
            last.Start();
            // An agent that was sent on rests before it is sent on again. Every other time the control node is killed as soon as it has taken an agent, before the others know.
            Until(site, TimeSpan.FromMinutes(30), () => AgentsOf(last) > 0, Check);
            if (round % 2 == 0) continue;
            Until(site, TimeSpan.FromMinutes(30), () => site.ControlNodes.All(c => !IsClearlyExceeded(c)), Check);
            Pass(TimeSpan.FromMinutes(1));
        }

        last.Kill();
        UntilAllAreElsewhere();
        writes.CreateService("last", site.Database.Networks.Keys.First(), "app0");
        last.Start();
        Until(site, SimulationRun.Bound, () => site.Invariants.Unmet().Count == 0);
        Assert.True(site.Invariants.SentOnInAll > 0);
        Assert.Null(site.Failure);

        // An agent notices at once that a process has ended, and then dials.
        void UntilAllAreElsewhere() => Until(site, TimeSpan.FromSeconds(5), () => site.Nodes.All(n => n.IsConnected && n.Server != last.Name), Check);

        void Pass(TimeSpan time)
        {
            for (var passed = TimeSpan.Zero; passed < time; passed += Step)
            {
                site.Run(Step);
                Check();
            }
        }

        void Check() => Assert.Empty(routes.Except(Routes(site)).Select(r => $"{r.Prefix} via {r.NextHop} went at {r.Router.Name}"));

        int AgentsOf(ControlNode controlNode) => site.Nodes.Count(n => n.Server == controlNode.Name);

        bool IsClearlyExceeded(ControlNode controlNode) =>
            new AgentShare(Margin: 1).IsClearlyExceeded(AgentsOf(controlNode), AgentShare.Of(Nodes, ControlNodes), ControlNodes);
    }

    private static void Until(Site site, TimeSpan atMost, Func<bool> condition, Action? check = null)
    {
        for (var waited = TimeSpan.Zero; !condition(); waited += Step)
        {
            Assert.True(waited < atMost, $"not within {atMost}: {string.Join(", ", site.Nodes.Select(n => $"{n.Name} at {n.Server}"))}; {string.Join("; ", site.Invariants.Unmet().Take(3))}");
            site.Run(Step);
            Assert.Null(site.Failure);
            check?.Invoke();
        }
    }

    /// <summary>Which routers reach which nodes, by whichever engine: that of a control node that is killed may end with it.</summary>
    private static HashSet<(Router Router, IPAddress Prefix, IPAddress NextHop)> Routes(Site site) =>
        [.. site.Routers.Where(r => r.TakesAddPath).SelectMany(r => r.Table.Select(p => (r, p.Prefix, p.Path.NextHop)))];
}
