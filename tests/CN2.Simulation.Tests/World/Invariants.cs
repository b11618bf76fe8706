using System.Net;
using System.Text.Json.Nodes;
using CN2.Api.Drivers.GoBgp;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Simulation.Tests.Bgp;
using CN2.Simulation.Tests.Nodes;
using CN2.VRouter;

namespace CN2.Simulation.Tests.World;

/// <summary>What must hold at every moment, and what must hold once nothing troubles the site any more.</summary>
internal sealed class Invariants(Site site)
{
    /// <summary>How long a path to a node without entries may be there when <see cref="AllowsMoments"/>.</summary>
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(500);

    /// <summary>How long after a session is up the router may have paths that were withdrawn while it was away (contract §4: 5 s).</summary>
    private static readonly TimeSpan ReopenedAfter = TimeSpan.FromSeconds(1);

    /// <summary>
    /// A router without ADD-PATH gets no second session, which would take all routes from it: its sweep at the End-of-RIB leaves nothing. After a restart the engine
    /// sends that when it has those of all routers, or when its deferral time is over.
    /// </summary>
    private static readonly TimeSpan SweptAfter = TimeSpan.FromSeconds(PeerMapper.DeferralTime) + ReopenedAfter;

    private static readonly string[] NoPeers = [];

    /// <summary>A path to a node without entries that is gone within a moment is counted and allowed.</summary>
    public bool AllowsMoments { get; init; } = true;

    /// <summary>Paths to nodes without entries.</summary>
    public int Moments { get; private set; }

    /// <summary>How often an agent was sent on to another control node.</summary>
    public int SentOnInAll { get; private set; }

    /// <summary>Owners whose own bad item may keep them from being served; everybody else is checked.</summary>
    public HashSet<Guid> Spoilt { get; } = [];

    /// <summary>
    /// The database does not know that these addresses are announced, because a fail-over lost the commits that say so. Until when that excuses it, if none
    /// of these control nodes, in its life of then, can write it again.
    /// </summary>
    private readonly Dictionary<IPAddress, (long Until, IReadOnlyList<(ControlNode Node, int Starts)> Knowers)> _forgotten = [];

    /// <summary>A fail-over lost the commits that say that these addresses are announced.</summary>
    /// <param name="addresses">The addresses.</param>
    /// <param name="knowers">The control nodes that have read it.</param>
    public void Forgotten(IEnumerable<IPAddress> addresses, IReadOnlyList<ControlNode> knowers)
    {
        foreach (var address in addresses) _forgotten[address] = (site.Scheduler.Now + SimulationRun.Bound.Ticks, [.. knowers.Select(k => (k, k.Starts))]);
    }

    /// <summary>An address is given only when no router has a path to it any more, but for withdrawals that are on their way.</summary>
    public void Allocated(FloatingIP floatingIP)
    {
        if (_forgotten.TryGetValue(floatingIP.Address, out var lost) && site.Scheduler.Now < lost.Until && lost.Knowers.All(k => k.Node.Starts != k.Starts || k.Node.BlindUntil > site.Scheduler.Now)) return;
        foreach (var router in site.Routers)
        {
            foreach (var path in router.PathsOf(floatingIP.Address))
            {
                // Nobody can tell this router anything, or could until now: a session that is back is opened once more, so that the router drops what it kept.
                var forgetsAfter = router.TakesAddPath ? ReopenedAfter : SweptAfter;
                if (router.IsCutFrom(path.Engine) || !router.HasSessionWith(path.Engine, forAtLeast: path.IsStale ? forgetsAfter : TimeSpan.Zero)) continue;
                var (given, from, held) = (site.Scheduler.Now, router, path);
                site.Scheduler.After(Session.LongestWay, () =>
                {
                    if (from.PathsOf(floatingIP.Address).Any(p => p.Engine == held.Engine && p.Number == held.Number && p.NextHop.Equals(held.NextHop)))
                        site.Fail($"reused while announced: at {TimeSpan.FromTicks(given).TotalSeconds:F3} s {floatingIP.Address} was given to {floatingIP.Id.Name} while {from.Name} had a {(held.IsStale ? "stale " : "")}path via {held.NextHop} of {held.Engine}");
                });
            }
        }
    }

    /// <summary>A router is given a path only to a node that translates the address.</summary>
    public void Learned(Router router, IPAddress prefix, RouterPath path)
    {
        if (IsBlind(path.Engine) || site.NodeAt(path.NextHop) is not { } node || !IsForwarding(node) || node.Carries(prefix) || IsSpoilt(prefix)) return;
        Momentary($"route without entries: {router.Name} was given {prefix} via {path.NextHop} by {path.Engine}, and {node.Name} does not translate it", () =>
            IsForwarding(node) && !node.Carries(prefix) && router.PathsOf(prefix).Any(p => p.NextHop.Equals(path.NextHop) && p.Engine == path.Engine && !p.IsStale));
    }

    /// <summary>
    /// The control node did not learn lately what it must know to withdraw a route: its process is dead, stopped or just back, or the database or
    /// the engine does not answer it. Its routes follow once it knows.
    /// </summary>
    private bool IsBlind(string engine) => site.ControlNodes.First(c => c.Name == engine).BlindUntil > site.Scheduler.Now;

    /// <summary>Fails at once when moments count, else only when it lasts.</summary>
    private void Momentary(string what, Func<bool> isStill)
    {
        Moments++;
        site.Trace.Add($"MOMENT {what}");
        if (!AllowsMoments) site.Fail(what);
        else site.Scheduler.After(Moment, () =>
        {
            if (isStill()) site.Fail($"for {Moment.TotalSeconds} s: {what}");
        });
    }

    /// <summary>A node stops translating an address only when no router sends it there any more.</summary>
    public void Dropped(Node node, IPAddress address)
    {
        if (!IsForwarding(node) || IsSpoilt(address)) return;
        foreach (var router in site.Routers)
        {
            foreach (var path in router.PathsOf(address))
            {
                if (path.IsStale || !path.NextHop.Equals(node.Address) || router.IsCutFrom(path.Engine) || IsBlind(path.Engine)) continue;
                var engine = path.Engine;
                Momentary($"route without entries: {node.Name} dropped its entries of {address} while {router.Name} has the path of {engine}", () =>
                    IsForwarding(node) && !node.Carries(address) && router.PathsOf(address).Any(p => p.NextHop.Equals(node.Address) && p.Engine == engine && !p.IsStale));
            }
        }
    }

    /// <summary>An agent that a control node has sent on stays for a while wherever it goes next.</summary>
    public void SentOn(Node node, TimeSpan? after)
    {
        site.Trace.Add($"{node.Name} was sent on");
        SentOnInAll++;
        if (after < ServerTurns.ShortestRest) site.Fail($"sent on and on: {node.Name} was sent on again after {after.Value.TotalSeconds:F0} s");
    }

    /// <summary>Everything that does not hold now and must hold when the site is quiet.</summary>
    public List<string> Unmet()
    {
        var unmet = new List<string>();
        CheckDatabase(unmet);
        var expected = Announceable.ToDictionary(f => f.Address, NextHopsOf);
        foreach (var router in site.Routers) CheckRouter(router, expected, unmet);
        foreach (var floatingIP in Announceable) CheckStatus(floatingIP, expected[floatingIP.Address], unmet);
        CheckSessions(unmet);
        foreach (var node in site.Nodes.Where(n => n is { IsConnected: true, IsProgrammed: true })) CheckClusterIPs(node, unmet);
        return unmet;
    }

    /// <summary>All FloatingIPs but the cluster IPs.</summary>
    private IEnumerable<FloatingIP> Announceable => site.Database.FloatingIPs.Values.Where(f => f.Kind != FloatingIPKind.ClusterIP);

    /// <summary>A node has every cluster IP that leads to an endpoint, or of them just those of the namespaces with a pod there, as the site distributes them.</summary>
    private void CheckClusterIPs(Node node, List<string> unmet)
    {
        var db = site.Database;
        var lost = db.Routers.Values.Where(r => !db.RouterStatuses.TryGetValue(r.Uid, out var status) || status.Lost).Select(r => r.Name).ToHashSet();
        var known = db.Routers.Values.Select(r => r.Name).ToHashSet();
        var here = db.Endpoints.Values.Where(e => e.VirtualRouter == node.Name).Select(e => e.Id.Namespace).ToHashSet();
        var wanted = db.FloatingIPs.Values.Where(f => f.Kind == FloatingIPKind.ClusterIP && Reaches(db.Services[f.Service!.Value])).Select(f => f.Address).ToHashSet();
        var all = db.FloatingIPs.Values.Where(f => f.Kind == FloatingIPKind.ClusterIP).Select(f => f.Address).ToHashSet();
        var has = node.Table.Keys.Select(k => k.Address).OfType<IPAddress>().Where(all.Contains).ToHashSet();
        if (!wanted.SetEquals(has)) unmet.Add($"cluster IPs: {node.Name} has [{string.Join(' ', has)}] and should have [{string.Join(' ', wanted)}]");

        bool Reaches(Service service) =>
            (site.Distribution == ServiceDistribution.All || here.Contains(service.Id.Namespace))
            && db.Endpoints.Values.Any(e => e.Id.Namespace == service.Id.Namespace && e.Labels["app"] == service.Selector["app"] && known.Contains(e.VirtualRouter)
                && (e.VirtualRouter == node.Name || !lost.Contains(e.VirtualRouter)));
    }

    /// <summary>The address of an owner whose own bad item may cost it its routes.</summary>
    public bool IsSpoilt(IPAddress address) => Spoilt.Count > 0 && site.Database.FloatingIPs.Values.Any(f => f.Address.Equals(address) && IsSpoilt(f));

    private bool IsSpoilt(FloatingIP floatingIP) => Spoilt.Contains(floatingIP.Service ?? floatingIP.Uid);

    /// <summary>The node forwards by its own table; while it boots, routes to it are stale by necessity.</summary>
    private static bool IsForwarding(Node node) => node is { IsUp: true, IsProgrammed: true };

    private void CheckDatabase(List<string> unmet)
    {
        var db = site.Database;
        // A control node whose API is dead and whose engine lives goes on announcing: what it holds may not be freed.
        var mayHold = site.ControlNodes.Any(c => !c.IsUp && c.Engine.IsUp);
        foreach (var service in db.Services.Values)
        {
            if (service.Deleting && !mayHold) unmet.Add($"not deleted: {service.Id.Name}");
            if (service is { Deleting: false, PendingReason: not null } && db.Pools[db.Networks.Values.First(n => n.Id.Name == service.PendingMessage).Uid].Free > 0)
                unmet.Add($"pending while addresses are free: {service.Id.Name}");
        }

        foreach (var floatingIP in Announceable)
        {
            if (floatingIP.Deleting && !mayHold) unmet.Add($"address leaked: {floatingIP.Address} of {floatingIP.Id.Name} is not freed{Rows(floatingIP)}");
            if (floatingIP.Service is { } owner && !db.Services.ContainsKey(owner)) unmet.Add($"address leaked: {floatingIP.Address}'s Service is gone");
        }

        foreach (var (network, pool) in db.Pools)
        {
            var held = db.FloatingIPs.Values.Where(f => f.ExternalNetwork == network).Select(f => f.Address).ToList();
            if (held.Distinct().Count() != held.Count) unmet.Add("an address is held twice");
            if (held.Count + pool.Free != pool.Size) unmet.Add($"address leaked: {held.Count} held and {pool.Free} free are not {pool.Size}");
        }
    }

    private string Rows(FloatingIP floatingIP) =>
        string.Concat(site.Database.Advertisements.Where(a => a.Key.FloatingIP == floatingIP.Uid).Select(a => $"; {a.Key.ControlNode} has a row with [{string.Join(' ', a.Value.Select(p => $"{p.Key}={p.Value}"))}]"));

    private HashSet<IPAddress> NextHopsOf(FloatingIP floatingIP)
    {
        var db = site.Database;
        if (floatingIP.Deleting || db.Networks[floatingIP.ExternalNetwork!.Value].Advertisement is { Med: Engine.RefusedMed }) return [];
        var names = floatingIP.Service is { } service
            ? db.Endpoints.Values.Where(e => e.Labels["app"] == db.Services[service].Selector["app"])
            : db.Endpoints.Values.Where(e => floatingIP.Interfaces.Contains(e.Id.Name));
        return [.. names.Where(e => e.Ready).Select(e => site.Nodes.Find(n => n.Name == e.VirtualRouter)).OfType<Node>().Where(n => n.IsConnected).Select(n => n.Address)];
    }

    private void CheckRouter(Router router, Dictionary<IPAddress, HashSet<IPAddress>> expected, List<string> unmet)
    {
        var spoilt = site.Database.FloatingIPs.Values.Where(IsSpoilt).Select(f => f.Address).ToHashSet();
        expected = expected.ToDictionary(e => e.Key, e => IsKeptFrom(router, e.Key) ? [] : e.Value);
        foreach (var node in site.ControlNodes)
        {
            if (node is { IsUp: false, Engine.IsUp: true }) continue; // nobody tells this engine anything
            foreach (var (prefix, path) in router.Table.Where(p => spoilt.Contains(p.Prefix) && p.Path.Engine == node.Name))
            {
                if (site.NodeAt(path.NextHop) is { } hop && IsForwarding(hop) && !hop.Carries(prefix)) unmet.Add($"route without entries: {router.Name} has {prefix} via {path.NextHop} of {node.Name}, which refuses its entry");
            }

            var table = router.Table.Where(p => p.Path.Engine == node.Name && !spoilt.Contains(p.Prefix)).ToList();
            foreach (var (prefix, path) in table)
            {
                if (path.IsStale) unmet.Add($"stale for ever: {router.Name} has {prefix} via {path.NextHop} (number {path.Number}) of {node.Name}");
                else if (!expected.TryGetValue(prefix, out var hops) || !hops.Contains(path.NextHop)) unmet.Add($"not withdrawn: {router.Name} has {prefix} via {path.NextHop} of {node.Name}");
            }

            if (!node.IsUp || !node.Engine.IsUp) continue;
            var known = table.ToLookup(p => p.Prefix, p => p.Path.NextHop);
            foreach (var (prefix, hops) in expected)
            {
                if (hops.Count == 0 || spoilt.Contains(prefix)) continue;
                var missing = router.TakesAddPath ? hops.Except(known[prefix]).ToList() : known[prefix].Any() ? [] : [hops.First()];
                foreach (var hop in missing) unmet.Add($"not announced: {router.Name} lacks {prefix} via {hop} of {node.Name}");
            }
        }
    }

    /// <summary>The communities of the address's network keep its paths from the router (RFC 1997).</summary>
    private bool IsKeptFrom(Router router, IPAddress address)
    {
        var network = site.Database.Networks.Values.First(n => n.Subnets.Any(s => s.Contains(address)));
        return network.Advertisement.Communities.Any(c => c == BgpCommunity.NoAdvertise || (router.IsExternal && c == BgpCommunity.NoExport));
    }

    private void CheckStatus(FloatingIP floatingIP, HashSet<IPAddress> hops, List<string> unmet)
    {
        if (floatingIP.Deleting || IsSpoilt(floatingIP)) return;
        var routes = site.Database.Statuses.TryGetValue(floatingIP.Uid, out var text) ? JsonNode.Parse(text)!["routes"]!.AsArray() : [];
        var shown = routes.ToDictionary(r => IPAddress.Parse((string)r!["nextHop"]!), r => r!["controlNodes"]!.AsArray());
        // What only the engine of a dead control node announces is shown. Its row is written before the engine is asked, and says more than the engine may have taken.
        foreach (var (hop, nodes) in shown.Where(s => !hops.Contains(s.Key)).ToList())
            if (nodes.All(n => !site.ControlNodes.First(c => c.Name == (string?)n!["name"]).IsUp)) shown.Remove(hop);
        if (!hops.SetEquals(shown.Keys))
        {
            unmet.Add($"status: {floatingIP.Address} shows [{string.Join(' ', shown.Keys)}] and has [{string.Join(' ', hops)}]");
            return;
        }

        foreach (var (hop, controlNodes) in shown)
        {
            foreach (var node in site.ControlNodes.Where(c => c.IsUp && c.Engine.IsUp))
            {
                var told = Told(controlNodes, node);
                foreach (var router in site.Routers)
                {
                    var has = router.PathsOf(floatingIP.Address).Any(p => p.Engine == node.Name && p.NextHop.Equals(hop));
                    // Which path a router without ADD-PATH has is known only of the engine of the control node that writes the status.
                    var says = router.TakesAddPath ? told.Contains(router.Name) : shown.Values.Any(c => Told(c, node).Contains(router.Name));
                    if (has && !says) unmet.Add($"status: {floatingIP.Address} via {hop} is at {router.Name}, and {node.Name} does not say so");
                    if (!has && told.Contains(router.Name) && router.TakesAddPath) unmet.Add($"status: {floatingIP.Address} via {hop} is not at {router.Name}, and {node.Name} says so");
                }
            }
        }
    }

    private static string[] Told(JsonArray controlNodes, ControlNode node) =>
        controlNodes.FirstOrDefault(c => (string)c!["name"]! == node.Name)?["advertisedTo"]?.AsArray().Select(p => (string)p!).ToArray() ?? NoPeers;

    private void CheckSessions(List<string> unmet)
    {
        foreach (var node in site.ControlNodes.Where(c => c.IsUp && c.Engine.IsUp))
        {
            var sessions = site.Database.ControlNodes.TryGetValue(node.Name, out var row) ? JsonNode.Parse(row.Sessions)!.AsObject() : [];
            foreach (var session in node.Engine.Sessions)
            {
                if (!session.IsUp) unmet.Add($"no session: {node.Name} and {session.Router?.Name}");
                var said = sessions[session.Router!.Name];
                if (session.IsUp && (bool?)said?["addPath"] != session.HasAddPath) unmet.Add($"status: the session of {node.Name} with {session.Router.Name} has addPath {session.HasAddPath}, and says {said?["addPath"]}");
                if (session is { IsUp: true, HasAddPath: false } && session.Router.TakesAddPath) unmet.Add($"ADD-PATH is lost: {node.Name} and {session.Router.Name}");
            }
        }
    }
}
