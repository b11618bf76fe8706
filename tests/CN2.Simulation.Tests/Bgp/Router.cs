using System.Net;
using CN2.Simulation.Tests.Scheduling;

namespace CN2.Simulation.Tests.Bgp;

/// <summary>A router outside: what each engine sent it, and what it keeps while a session is down (RFC 4724).</summary>
internal sealed class Router(string name, IPAddress address, RouterKind kind, Scheduler scheduler)
{
    private readonly Dictionary<string, Neighbor> _neighbors = [];
    private readonly HashSet<string> _cut = [];

    public string Name { get; } = name;

    public IPAddress Address { get; } = address;

    public RouterKind Kind { get; } = kind;

    /// <summary>It is of another autonomous system than the control nodes: NO_EXPORT keeps paths from it.</summary>
    public bool IsExternal { get; init; }

    public bool TakesAddPath => Kind != RouterKind.OnePath;

    /// <summary>A path was added or refreshed.</summary>
    public event Action<Router, IPAddress, RouterPath>? Learned;

    public bool IsCutFrom(string engine) => _cut.Contains(engine);

    public void Cut(string engine) => _cut.Add(engine);

    public void Mend(string engine) => _cut.Remove(engine);

    public void MendAll() => _cut.Clear();

    /// <summary>All paths of a prefix.</summary>
    public IEnumerable<RouterPath> PathsOf(IPAddress prefix) =>
        _neighbors.Values.SelectMany(n => n.Table.TryGetValue(prefix, out var paths) ? paths : (IEnumerable<RouterPath>)[]);

    public IEnumerable<(IPAddress Prefix, RouterPath Path)> Table => _neighbors.Values.SelectMany(n => n.Table.SelectMany(p => p.Value.Select(q => (p.Key, q))));

    public bool HasSessionWith(string engine, TimeSpan forAtLeast = default) =>
        _neighbors.GetValueOrDefault(engine) is { Session: not null } neighbor && scheduler.Now - neighbor.OpenedAt >= forAtLeast.Ticks;

    /// <param name="session">The new session.</param>
    /// <param name="keepsRoutes">The OPEN says that the engine restarts and forwards by what it sent before (RFC 4724, the F bit).</param>
    public void Opened(Session session, bool keepsRoutes)
    {
        var neighbor = NeighborOf(session.Engine);
        (neighbor.Session, neighbor.OpenedAt) = (session, scheduler.Now);
        neighbor.RestartTimer?.Cancel();
        neighbor.SweepsAtEnd = keepsRoutes;
        if (!keepsRoutes)
        {
            // FRR 8.4 drops one path of a prefix and keeps the others for ever, unless they come again (docs/facts/lab.md).
            foreach (var (prefix, paths) in Kind == RouterKind.Frr ? neighbor.Table.ToList() : [])
            {
                MarkStale(paths);
                paths.RemoveAt(0);
                if (paths.Count == 0) neighbor.Table.Remove(prefix);
            }

            if (Kind != RouterKind.Frr) neighbor.Table.Clear();
            return;
        }

        // A session that was up when the next one opens: the old one ended without this router seeing it.
        foreach (var paths in neighbor.Table.Values) MarkStale(paths);
    }

    public void Lost(Session session, bool isGraceful)
    {
        var neighbor = NeighborOf(session.Engine);
        if (neighbor.Session != session) return;
        neighbor.Session = null;
        neighbor.RestartTimer?.Cancel();
        if (!isGraceful)
        {
            neighbor.Table.Clear();
            return;
        }

        foreach (var paths in neighbor.Table.Values) MarkStale(paths);
        neighbor.RestartTimer = scheduler.After(TimeSpan.FromSeconds(session.RestartTime), () => neighbor.Table.Clear());
    }

    public void Update(Session session, IPAddress prefix, uint number, IPAddress? nextHop)
    {
        var neighbor = NeighborOf(session.Engine);
        if (neighbor.Session != session) return;
        if (!neighbor.Table.TryGetValue(prefix, out var paths))
        {
            if (nextHop is null) return;
            neighbor.Table[prefix] = paths = [];
        }

        paths.RemoveAll(p => p.Number == number);
        if (nextHop is null)
        {
            if (paths.Count == 0) neighbor.Table.Remove(prefix);
            return;
        }

        var path = new RouterPath(number, nextHop, session.Engine, IsStale: false);
        paths.Insert(0, path);
        Learned?.Invoke(this, prefix, path);
    }

    public void EndOfRib(Session session)
    {
        var neighbor = NeighborOf(session.Engine);
        if (neighbor.Session != session || !neighbor.SweepsAtEnd) return;
        foreach (var (prefix, paths) in neighbor.Table.ToList())
        {
            if (Kind == RouterKind.Frr)
            {
                while (paths.Count > 0 && paths[0].IsStale) paths.RemoveAt(0);
            }
            else
            {
                paths.RemoveAll(p => p.IsStale);
            }

            if (paths.Count == 0) neighbor.Table.Remove(prefix);
        }
    }

    private static void MarkStale(List<RouterPath> paths)
    {
        for (var i = 0; i < paths.Count; i++) paths[i] = paths[i] with { IsStale = true };
    }

    private Neighbor NeighborOf(string engine)
    {
        if (!_neighbors.TryGetValue(engine, out var neighbor)) _neighbors[engine] = neighbor = new Neighbor();
        return neighbor;
    }

    private sealed class Neighbor
    {
        public Dictionary<IPAddress, List<RouterPath>> Table { get; } = [];
        public Session? Session { get; set; }
        public long OpenedAt { get; set; }
        public Alarm? RestartTimer { get; set; }

        /// <summary>The session began as after a restart of the engine, so its End-of-RIB ends what was kept.</summary>
        public bool SweepsAtEnd { get; set; }
    }
}
