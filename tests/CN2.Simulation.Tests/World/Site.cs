using System.Net;
using CN2.Api.Data.Rows;
using CN2.Api.Drivers;
using CN2.Network.Compilation;
using CN2.Simulation.Tests.Bgp;
using CN2.Simulation.Tests.Database;
using CN2.Simulation.Tests.Nodes;
using CN2.Simulation.Tests.Scheduling;

namespace CN2.Simulation.Tests.World;

/// <summary>Everything there is: control nodes with their engines, compute nodes, routers, a database; and the seed that decides what happens.</summary>
internal sealed class Site
{
    public const int RestartTime = 5;

    /// <summary>Few nodes meet more often in one trouble than many do.</summary>
    public const int FewNodes = 4;

    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public Site(int seed, int controlNodes = 2, int nodes = FewNodes, bool isTraced = false)
    {
        Random = new Random(seed);
        EngineBound = Random.Next(2) == 0;
        Distribution = Random.Next(2) == 0 ? ServiceDistribution.All : ServiceDistribution.Namespace;
        Scheduler = new Scheduler(Random);
        Trace = new Trace(Scheduler, isTraced);
        Database = new MemoryDatabase(() => Start + TimeSpan.FromTicks(Scheduler.Now) + DatabaseClockError);
        Routers =
        [
            new Router("frr", IPAddress.Parse("172.27.115.201"), RouterKind.Frr, Scheduler) { IsExternal = Random.Next(3) == 0 },
            new Router("one-path", IPAddress.Parse("172.27.115.202"), RouterKind.OnePath, Scheduler) { IsExternal = Random.Next(3) == 0 },
            new Router("bird", IPAddress.Parse("172.27.115.203"), RouterKind.Bird, Scheduler) { IsExternal = Random.Next(3) == 0 },
        ];
        RoutersByAddress = Routers.ToDictionary(r => r.Address.ToString());
        ControlNodes = [.. Enumerable.Range(0, controlNodes).Select(n => new ControlNode(this, n))];
        Nodes = [.. Enumerable.Range(1, nodes).Select(NewNode)];
        Invariants = new Invariants(this);
        Database.Committed += () =>
        {
            foreach (var node in ControlNodes) node.Notify();
        };
        Database.Allocated += Invariants.Allocated;
        if (isTraced) Database.Written += changes => Trace.Add($"db {string.Join(", ", changes.Rows.Where(r => !r.StatusOnly).Select(Describe))}");
        if (isTraced)
        {
            Database.Advertised += (f, controlNode, paths) => Trace.Add($"row of {controlNode} for {f.Address}: {string.Join(", ", paths.Select(p => $"{p.Key.NextHop} ({p.Value})"))}");
            foreach (var node in ControlNodes)
                node.Engine.Taken += (e, prefix, path) => Trace.Add($"{e.Name} gobgpd {(path.IsWithdraw ? "-" : "+")}{prefix.Text} {path.Identifier} (next {prefix.Next})");
        }

        foreach (var router in Routers)
        {
            router.Learned += (r, prefix, path) =>
            {
                if (Trace.IsOn) Trace.Add($"{r.Name} has {prefix} via {path.NextHop} ({path.Number}) of {path.Engine}");
                Invariants.Learned(r, prefix, path);
            };
        }
    }

    public Random Random { get; }

    public Scheduler Scheduler { get; }

    public Trace Trace { get; }

    public MemoryDatabase Database { get; }

    /// <summary>A control node says that it leaves a router out for a while, or lets it wait for its trial.</summary>
    public bool LeavesRouterOut => Database.ControlNodes.Values.Any(c =>
        c.Sessions.Contains("left out and tried again", StringComparison.Ordinal) || c.Sessions.Contains("waits for its turn", StringComparison.Ordinal));

    public DatabaseWeather Weather { get; } = new();

    /// <summary>Each engine's life is bound to its API's process, as systemd's BindsTo does it.</summary>
    public bool EngineBound { get; }

    /// <summary>Which nodes get the cluster IPs.</summary>
    public ServiceDistribution Distribution { get; }

    /// <summary>Namespaces with one Service each, which has a cluster IP alone.</summary>
    public IReadOnlyList<string> InsideNamespaces { get; } = ["inside1", "inside2", "inside3"];

    public IReadOnlyList<Router> Routers { get; }

    public Dictionary<string, Router> RoutersByAddress { get; }

    public IReadOnlyList<ControlNode> ControlNodes { get; }

    public List<Node> Nodes { get; }

    public Invariants Invariants { get; }

    /// <summary>How far the database's clock is from the true time.</summary>
    public TimeSpan DatabaseClockError { get; set; }

    /// <summary>What went wrong first; null: nothing.</summary>
    public string? Failure { get; private set; }

    public Node? NodeAt(IPAddress nextHop) => Nodes.Find(n => n.Address.Equals(nextHop));

    public void Fail(string what)
    {
        if (Failure is not null) return;
        Failure = $"{TimeSpan.FromTicks(Scheduler.Now).TotalSeconds:F3} s: {what}";
        Trace.Add($"VIOLATION {what}");
    }

    public void Run(TimeSpan span)
    {
        Scheduler.Run(span);
        if (Scheduler.Failure is { } e) Fail($"nothing handled {e}");
    }

    /// <summary>Brings everything up, with routers, networks and endpoints.</summary>
    public void Begin()
    {
        var writes = new Writes(Database);
        writes.CreateNetwork(1, 24);
        writes.CreateNetwork(2, 12);
        foreach (var (n, ns) in InsideNamespaces.Index()) writes.CreateInside(ns, new IPAddress([10, 233, 0, (byte)(n + 1)]));
        foreach (var router in Routers) writes.PutPeer(PeerOf(router, holdTime: 9));
        foreach (var node in ControlNodes) node.Start();
        foreach (var node in Nodes) node.StartAgent();
        Run(TimeSpan.FromSeconds(5));
    }

    public static BgpPeer PeerOf(Router router, int holdTime) => new(
        router.Name, router.Address, router.IsExternal ? 65001u : 64512u, 179, ["inet"], holdTime, null, null, false, AddPath: true, AdminDown: false, GracefulRestart: true, RestartTime);

    private string Describe(ChangeRow row)
    {
        object? item = row.Kind switch
        {
            ResourceKind.Service => Database.Services.GetValueOrDefault(row.Uid) is { } s ? $"{s.Selector["app"]}{(s.Deleting ? " deleting" : "")}" : null,
            ResourceKind.FloatingIP => Database.FloatingIPs.GetValueOrDefault(row.Uid) is { } f ? $"{f.Address}{(f.Deleting ? " deleting" : "")} [{string.Join(' ', f.Interfaces)}]" : null,
            ResourceKind.VirtualMachineInterface => Database.Endpoints.GetValueOrDefault(row.Uid) is { } e ? $"{e.Labels["app"]} on {e.VirtualRouter}{(e.Ready ? "" : " not ready")}" : null,
            _ => null,
        };
        return $"{row.Xid} {row.Verb} {row.Kind} {row.Name} {item}";
    }

    public Node NewNode(int number)
    {
        var node = new Node($"compute{number}", new IPAddress([172, 28, (byte)(number >> 8), (byte)number]), [.. ControlNodes.Select(c => c.Publisher)], Scheduler, Random) { IsTraced = Trace.IsOn };
        node.Dropped += (n, address) => Invariants.Dropped(n, address);
        node.Applied += (n, what) => Trace.Add($"{n.Name} {what}");
        node.SentOn += (n, after) => Invariants.SentOn(n, after);
        return node;
    }
}
