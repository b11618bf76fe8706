using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Resources;
using CN2.Simulation.Tests.Bgp;
using CN2.Simulation.Tests.Database;
using CN2.Simulation.Tests.Nodes;

namespace CN2.Simulation.Tests.World;

/// <summary>What happens, drawn by the seed: requests of users, bad items, kills, cuts, delays, clock jumps.</summary>
internal sealed class Operations
{
    private const int Apps = 8;

    /// <summary>So few that the last endpoint of a namespace often leaves a node.</summary>
    private const int InsideEndpoints = 6;

    /// <summary>What networks have; the last one concerns nobody.</summary>
    private static readonly BgpCommunity[][] Communities =
        [[], [BgpCommunity.NoExport], [BgpCommunity.NoAdvertise], [new BgpCommunity((64512u << 16) | 100), BgpCommunity.NoExport], [new BgpCommunity((64512u << 16) | 100)]];

    /// <summary>By then a control node has read what others write, also when NOTIFY is lost.</summary>
    private static readonly TimeSpan FeedDelay = TimeSpan.FromSeconds(1.5);

    private readonly Site _site;
    private readonly Writes _writes;
    private readonly List<(int Weight, string Name, Action Action)> _drawn = [];
    private readonly int _weights;
    private readonly HashSet<string> _spoiltApps = [];
    private readonly Trouble _trouble;
    private ulong? _oldTransaction;
    private Node? _intruder;
    private bool _isFailingOver;

    /// <summary>All agents are cut off: no shorter cut ends that.</summary>
    private bool _isAllCut;
    private int _names;
    private long _databaseClockSetAt = long.MinValue / 2;

    public Operations(Site site, Trouble trouble)
    {
        (_site, _trouble) = (site, trouble);
        _writes = new Writes(site.Database);
        Add(Trouble.None, 14, CreateService);
        Add(Trouble.None, 11, DeleteService);
        Add(Trouble.None, 6, ChangeService);
        Add(Trouble.None, 6, Reserve);
        Add(Trouble.None, 4, Attach);
        Add(Trouble.None, 4, DeleteFloatingIP);
        Add(Trouble.None, 8, CreateEndpoint);
        Add(Trouble.None, 7, DeleteEndpoint);
        Add(Trouble.None, 8, TurnEndpoint);
        Add(Trouble.None, 3, MoveEndpoint);
        Add(Trouble.None, 4, CreateInsideEndpoint);
        Add(Trouble.None, 3, DeleteInsideEndpoint);
        Add(Trouble.None, 2, MoveInsideEndpoint);
        Add(Trouble.None, 2, ChangeCommunities);
        Add(Trouble.ApiKilled, 1, KillApi);
        Add(Trouble.ApiKilled, 3, StartApi);
        Add(Trouble.EngineKilled, 1, KillEngine);
        Add(Trouble.EngineKilled, 3, StartEngine);
        Add(Trouble.EngineHangs, 1, HangEngine);
        Add(Trouble.NodesLost, 2, CutAgent);
        Add(Trouble.NodesLost, 1, KillAgent);
        Add(Trouble.NodesLost, 1, KillMachine);
        Add(Trouble.NodesLost, 4, StartNode);
        Add(Trouble.SessionsReset, 1, ResetSession);
        Add(Trouble.DatabaseAway, 1, TroubleDatabase);
        Add(Trouble.ApiStopped, 1, StopApi);
        Add(Trouble.ApiStopped, 1, JumpClock);
        Add(Trouble.OldTransaction, 1, OpenTransaction);
        Add(Trouble.BadEndpoint, 1, CreateBadEndpoint);
        Add(Trouble.BadNetwork, 1, SpoilNetwork);
        Add(Trouble.AddressTaken, 1, AddIntruder);
        Add(Trouble.AddressChanged, 1, ChangeAddress);
        Add(Trouble.PeerChanged, 1, ChangePeer);
        Add(Trouble.CommitsLost, 1, LoseCommits);
        Add(Trouble.LateCommits, 6, BeginLate);
        Add(Trouble.DatabaseClock, 1, JumpDatabaseClock);
        _weights = _drawn.Sum(d => d.Weight);
    }

    private Random Random => _site.Random;

    /// <summary>With external addresses.</summary>
    private IEnumerable<Service> Services => _site.Database.Services.Values.Where(s => s.Id.Namespace == Writes.Namespace);

    /// <summary>Of these Services and of reserved FloatingIPs.</summary>
    private IEnumerable<VirtualMachineInterface> Endpoints => _site.Database.Endpoints.Values.Where(e => e.Id.Namespace == Writes.Namespace);

    /// <summary>Pods of the namespaces with a cluster IP: its endpoints, and others that may only call it.</summary>
    private IEnumerable<VirtualMachineInterface> EndpointsInside => _site.Database.Endpoints.Values.Where(e => e.Id.Namespace != Writes.Namespace);

    /// <summary>Draws one operation and does it.</summary>
    public void Do()
    {
        var draw = Random.Next(_weights);
        foreach (var (weight, name, action) in _drawn)
        {
            draw -= weight;
            if (draw >= 0) continue;
            _site.Trace.Add($"-- {name}");
            action();
            return;
        }
    }

    /// <summary>Ends all trouble that has an end. Bad items, an old transaction, dead machines and a dead API may stay: others must not notice.</summary>
    public void Calm()
    {
        while (_isFailingOver) _site.Run(TimeSpan.FromSeconds(1));
        foreach (var node in _site.ControlNodes) node.Look();
        _site.Weather.IsDown = _site.Weather.IsStopped = false;
        _site.Weather.SlowPercent = 20;
        foreach (var node in _site.ControlNodes)
        {
            node.Continue();
            node.Engine.Continue();
            node.Engine.Start();
        }

        var dead = _trouble.HasFlag(Trouble.ApiStaysDead) && Random.Next(2) == 0 ? _site.ControlNodes.FirstOrDefault(c => !c.IsUp) ?? Pick(_site.ControlNodes) : null;
        dead?.Kill();
        foreach (var node in _site.ControlNodes.Where(c => c != dead)) node.Start();
        var mayStay = !_site.Nodes.Any(IsShutOut);
        foreach (var node in _site.Nodes)
        {
            node.MendAll();
            if (mayStay && Random.Next(3) == 0)
            {
                // It stays as it is; of several the routes would stay too, and deletions wait for them (docs/contract.md §3, mass loss).
                mayStay = node.IsUp && node.HasAgent;
                continue;
            }

            if (!node.IsUp) node.StartMachine();
            else if (!node.HasAgent) node.StartAgent();
        }

        foreach (var router in _site.Routers) router.MendAll();
        if (Random.Next(2) == 0) CloseTransaction();
    }

    /// <summary>The node's address is that of another VirtualRouter: its agent is sent away until an operator deletes that one.</summary>
    private bool IsShutOut(Node node) => _site.Database.Routers.Values.Any(r => r.Name != node.Name && node.Address.Equals(r.Address));

    /// <summary>What must not end before the next round.</summary>
    public void EndRound()
    {
        CloseTransaction();
        foreach (var node in _site.ControlNodes) node.Start();
        foreach (var node in _site.Nodes.Where(n => !n.IsUp)) node.StartMachine();
        foreach (var node in _site.Nodes.Where(n => !n.HasAgent)) node.StartAgent();
        if (_intruder is { } intruder)
        {
            intruder.KillMachine();
            _intruder = null;
        }

        foreach (var bad in _site.Database.Endpoints.Values.Where(e => e.Addresses.Any(Node.IsRefused)).ToList()) _writes.DeleteEndpoint(bad.Uid);
        _spoiltApps.Clear();
        _site.Invariants.Spoilt.Clear();
        foreach (var network in _site.Database.Networks.Values.Where(n => n.Advertisement.Med == Engine.RefusedMed).ToList())
            _writes.ChangeAdvertisement(network.Uid, network.Advertisement with { Med = Advertisement.Default.Med });
    }

    /// <summary>All agents are cut off, and every node goes on forwarding: no route may go.</summary>
    public void CutAllAgents()
    {
        if (!_trouble.HasFlag(Trouble.AllAgentsCut)) return;
        _site.Trace.Add("-- all agents are cut off");
        // What an engine left behind goes by the router's own timer, and the routes of a dead API's engine are nobody's to count.
        var alive = _site.ControlNodes.Where(c => c.IsUp).Select(c => c.Name).ToHashSet();
        var before = RoutesOf(r => r.Table.Where(p => !p.Path.IsStale && alive.Contains(p.Path.Engine) && !_site.Invariants.IsSpoilt(p.Prefix)));
        _isAllCut = true;
        foreach (var node in _site.Nodes)
            foreach (var control in _site.ControlNodes) node.Cut(control.Name);
        _site.Run(TimeSpan.FromSeconds(25));
        _isAllCut = false;
        // One vRouter alone is never a mass (docs/contract.md §3).
        if (before.DistinctBy(b => b.NextHop).Count() < 2) before.Clear();
        // Of a prefix, a router without ADD-PATH has the best path, which changes when paths are sent once more: there any path will do.
        var after = RoutesOf(r => r.Table);
        var gone = before.Where(b => !(b.Router.TakesAddPath ? after.Contains(b) : after.Any(a => a.Router == b.Router && a.Prefix.Equals(b.Prefix)))).ToList();
        if (gone.Count > 0) _site.Fail($"mass loss: {gone.Count} of {before.Count} routes went while all agents were cut off and all nodes forwarded, among them {gone[0].Prefix} via {gone[0].NextHop} at {gone[0].Router.Name}");
        foreach (var node in _site.Nodes) node.MendAll();
        _site.Run(TimeSpan.FromSeconds(10));
    }

    private HashSet<(Router Router, IPAddress Prefix, IPAddress NextHop)> RoutesOf(Func<Router, IEnumerable<(IPAddress Prefix, RouterPath Path)>> table) =>
        [.. _site.Routers.SelectMany(r => table(r).Select(p => (r, p.Prefix, p.Path.NextHop)))];

    /// <summary>The leader is stopped and a node dies: its routes go all the same.</summary>
    public void StopLeader()
    {
        if (!_trouble.HasFlag(Trouble.ApiStopped) || _site.EngineBound || _site.ControlNodes.FirstOrDefault(c => c.IsLeading) is not { } leader) return;
        if (_site.ControlNodes.Count(c => c.IsUp) < 2 || Pick(_site.Nodes.Where(n => n.IsConnected)) is not { } node) return;
        _site.Trace.Add($"-- the leader {leader.Name} is stopped, {node.Name} dies");
        leader.Stop();
        node.KillMachine();
        _site.Run(TimeSpan.FromSeconds(30));
        var left = _site.Routers.SelectMany(r => r.Table.Where(p => p.Path.NextHop.Equals(node.Address) && p.Path.Engine != leader.Name).Select(p => (r, p.Prefix, p.Path.Engine))).ToList();
        if (left.Count > 0) _site.Fail($"a dead node's routes stay while the leader is stopped: {left[0].r.Name} has {left[0].Prefix} via {node.Address} of {left[0].Engine} after 30 s");
        leader.Continue();
        node.StartMachine();
        _site.Run(TimeSpan.FromSeconds(10));
    }

    private void Add(Trouble kind, int weight, Action action)
    {
        if ((kind & _trouble) == kind) _drawn.Add((weight, action.Method.Name, action));
    }

    private T? Pick<T>(IEnumerable<T> items)
    {
        var list = items as IReadOnlyList<T> ?? [.. items];
        return list.Count == 0 ? default : list[Random.Next(list.Count)];
    }

    private string App() => $"app{Random.Next(Apps)}";

    private TimeSpan Seconds(int atMost) => TimeSpan.FromMilliseconds(Random.Next(atMost * 1000));

    private void Later(TimeSpan delay, Action action) => _site.Scheduler.After(delay, action);

    private void CreateService()
    {
        if (Services.Count() > 40) return;
        var app = App();
        var service = _writes.CreateService($"s{++_names}", Pick(_site.Database.Networks.Keys), app);
        if (_spoiltApps.Contains(app)) _site.Invariants.Spoilt.Add(service.Uid);
    }

    private void DeleteService()
    {
        if (Pick(Services.Where(s => !s.Deleting)) is { } service) _writes.DeleteService(service.Uid);
    }

    private void ChangeService()
    {
        var app = App();
        if (Pick(Services.Where(s => !s.Deleting)) is not { } service) return;
        if (_spoiltApps.Contains(app)) _site.Invariants.Spoilt.Add(service.Uid);
        _writes.ChangeService(service.Uid, app);
    }

    private void Reserve()
    {
        if (_site.Database.FloatingIPs.Values.Count(f => f.Reserved) < 12) _writes.Reserve($"r{++_names}", Pick(_site.Database.Networks.Keys), SomeEndpoints());
    }

    private void Attach()
    {
        if (Pick(_site.Database.FloatingIPs.Values.Where(f => f is { Reserved: true, Deleting: false })) is { } floatingIP) _writes.Attach(floatingIP.Uid, SomeEndpoints());
    }

    private List<string> SomeEndpoints() =>
        [.. Endpoints.Where(e => !e.Addresses.Any(Node.IsRefused)).Select(e => e.Id.Name).Where(_ => Random.Next(6) == 0).Take(2)];

    private void DeleteFloatingIP()
    {
        if (Pick(_site.Database.FloatingIPs.Values.Where(f => f is { Reserved: true, Deleting: false })) is { } floatingIP) _writes.DeleteFloatingIP(floatingIP.Uid);
    }

    private void CreateEndpoint()
    {
        if (Endpoints.Count() > 30) return;
        var number = ++_names;
        _writes.CreateEndpoint($"e{number}", App(), new IPAddress([10, 0, (byte)(number >> 8), (byte)number]), Pick(_site.Nodes.Where(n => n != _intruder))!.Name);
    }

    private void DeleteEndpoint()
    {
        if (Pick(Endpoints) is { } endpoint && !endpoint.Addresses.Any(Node.IsRefused)) _writes.DeleteEndpoint(endpoint.Uid);
    }

    private void TurnEndpoint()
    {
        if (Pick(_site.Database.Endpoints.Values) is { } endpoint) _writes.ChangeEndpoint(endpoint.Uid, e => e with { Ready = !e.Ready });
    }

    private void CreateInsideEndpoint()
    {
        if (EndpointsInside.Count() >= InsideEndpoints) return;
        var number = ++_names;
        var ns = Pick(_site.InsideNamespaces)!;
        _writes.CreateEndpoint($"i{number}", Random.Next(2) == 0 ? ns : "client", new IPAddress([10, 1, (byte)(number >> 8), (byte)number]), Pick(_site.Nodes.Where(n => n != _intruder))!.Name, ns);
    }

    private void DeleteInsideEndpoint()
    {
        if (Pick(EndpointsInside) is { } endpoint) _writes.DeleteEndpoint(endpoint.Uid);
    }

    private void MoveInsideEndpoint()
    {
        var node = Pick(_site.Nodes.Where(n => n != _intruder))!.Name;
        if (Pick(EndpointsInside) is { } endpoint) _writes.ChangeEndpoint(endpoint.Uid, e => e with { VirtualRouter = node });
    }

    private void MoveEndpoint()
    {
        var node = Pick(_site.Nodes.Where(n => n != _intruder))!.Name;
        if (Pick(Endpoints) is { } endpoint) _writes.ChangeEndpoint(endpoint.Uid, e => e with { VirtualRouter = node });
    }

    private void KillApi() => Pick(_site.ControlNodes)!.Kill();

    private void StartApi() => Pick(_site.ControlNodes.Where(c => !c.IsUp))?.Start();

    private void KillEngine()
    {
        var engine = Pick(_site.ControlNodes)!.Engine;
        engine.Kill();
        Later(Seconds(12), engine.Start);
    }

    private void StartEngine()
    {
        foreach (var node in _site.ControlNodes) node.Engine.Start();
    }

    private void HangEngine()
    {
        var engine = Pick(_site.ControlNodes)!.Engine;
        if (!engine.IsUp) return;
        engine.Hang();
        Later(Seconds(20), engine.Continue);
    }

    private void CutAgent()
    {
        var (node, server) = (Pick(_site.Nodes)!, Pick(_site.ControlNodes)!.Name);
        node.Cut(server);
        Later(Seconds(15), () =>
        {
            if (!_isAllCut) node.Mend(server);
        });
    }

    private void KillAgent() => Pick(_site.Nodes.Where(n => n.HasAgent))?.KillAgent();

    private void KillMachine() => Pick(_site.Nodes.Where(n => n.IsUp && n != _intruder))?.KillMachine();

    private void StartNode()
    {
        if (Pick(_site.Nodes.Where(n => !n.HasAgent)) is not { } node) return;
        if (node.IsUp) node.StartAgent();
        else node.StartMachine();
    }

    private void ResetSession()
    {
        var graceful = Random.Next(2) == 0;
        Pick(Pick(_site.ControlNodes)!.Engine.Sessions.ToList())?.Reset(graceful);
    }

    private void TroubleDatabase()
    {
        switch (Random.Next(4))
        {
            case < 3 when IsExcluded(_site.ControlNodes):
                break;
            case 0:
                _site.Weather.IsDown = true;
                Later(Seconds(10), () => _site.Weather.IsDown = false);
                break;
            case 1:
                _site.Weather.IsStopped = true;
                Later(Seconds(20), () => _site.Weather.IsStopped = false);
                break;
            case 2:
                if (Pick(_site.ControlNodes)!.Link is not { } link) return;
                link.IsCut = true;
                Later(Seconds(MostAway(10)), () => link.IsCut = false);
                break;
            default:
                _site.Weather.SlowPercent = Random.Next(101);
                break;
        }
    }

    /// <summary>
    /// A control node with a bound engine may not be away from the database for longer than the restart time: the others then take its routes as
    /// gone, although they are not (docs/operating.md, "A control node that is gone").
    /// </summary>
    private int MostAway(int seconds) => _site.EngineBound ? Site.RestartTime - 1 : seconds;

    /// <summary>For the same reason it may not be away twice with nothing between.</summary>
    private bool IsExcluded(IEnumerable<ControlNode> away) => _site.EngineBound && away.Any(c => c.IsAwayLately);

    private void StopApi()
    {
        var node = Pick(_site.ControlNodes)!;
        if (IsExcluded([node])) return;
        node.Stop();
        Later(Seconds(MostAway(20)), node.Continue);
    }

    private void JumpClock() => Pick(_site.ControlNodes)!.SetClock(TimeSpan.FromSeconds(Random.Next(-7200, 7200)));

    private void OpenTransaction() => _oldTransaction ??= _site.Database.Open();

    /// <summary>The next write belongs to a transaction that began before those that commit meanwhile.</summary>
    private void BeginLate()
    {
        var xid = _site.Database.Open();
        var epoch = _site.Database.Epoch;
        Later(Seconds(2), () =>
        {
            if (epoch == _site.Database.Epoch) _site.Database.CommitLate(xid);
        });
        // Whoever writes nothing ends it all the same.
        Later(TimeSpan.FromSeconds(4), () =>
        {
            if (epoch == _site.Database.Epoch) _site.Database.Close(xid);
        });
    }

    private void LoseCommits()
    {
        if (_isFailingOver) return;
        _isFailingOver = true;
        var standby = _site.Database.Copy();
        Later(Seconds(3), () =>
        {
            var blind = _site.ControlNodes.Where(c => c.BlindUntil > _site.Scheduler.Now).Select(c => c.Name).ToHashSet();
            _site.Weather.IsDown = true;
            var lost = _site.Database.FloatingIPs.Values.Where(f => !standby.Tables.FloatingIPs.ContainsKey(f.Uid)).Select(f => f.Address).ToList();
            // A control node that is stopped or dead, now or before the database is back, cannot say that it announces what it wrote last; the others can if they have read it (docs/simulation.md).
            var rows = _site.Database.Advertisements.Where(a => a.Value.Keys.Except(standby.Tables.Advertisements.GetValueOrDefault(a.Key)?.Keys ?? []).Any()).Select(a => a.Key).ToList();
            var isAgeKnown = _site.Scheduler.Now - _databaseClockSetAt > TimeSpan.FromSeconds(5).Ticks;
            foreach (var row in rows)
            {
                var isRead = isAgeKnown && _site.Database.AgeOf(row) >= FeedDelay;
                _site.Invariants.Forgotten(
                    [_site.Database.FloatingIPs[row.FloatingIP].Address], [.. _site.ControlNodes.Where(c => !blind.Contains(c.Name) && (isRead || c.Name == row.ControlNode))]);
            }

            _site.Invariants.Forgotten(lost, []);
            _site.Database.FailOver(standby);
            _oldTransaction = null;
            Later(TimeSpan.FromMilliseconds(500 + Random.Next(4000)), () => _site.Weather.IsDown = _isFailingOver = false);
        });
    }

    private void JumpDatabaseClock()
    {
        _site.DatabaseClockError = TimeSpan.FromSeconds(Random.Next(-7200, 7200));
        _databaseClockSetAt = _site.Scheduler.Now;
    }

    private void CloseTransaction()
    {
        if (_oldTransaction is { } xid) _site.Database.Close(xid);
        _oldTransaction = null;
    }

    /// <summary>Every node gets the entries of every Service, so every node meets it.</summary>
    private void CreateBadEndpoint()
    {
        if (_spoiltApps.Count > 0) return;
        var app = App();
        _spoiltApps.Add(app);
        foreach (var service in Services.Where(s => s.Selector["app"] == app)) _site.Invariants.Spoilt.Add(service.Uid);
        var number = ++_names;
        _writes.CreateEndpoint($"bad{number}", app, new IPAddress([10, 66, (byte)(number >> 8), (byte)number]), Pick(_site.Nodes.Where(n => n != _intruder))!.Name);
    }

    private void SpoilNetwork()
    {
        var network = _site.Database.Networks.Values.Last();
        _writes.ChangeAdvertisement(network.Uid, network.Advertisement with { Med = Engine.RefusedMed });
    }

    private void ChangeCommunities()
    {
        var network = Pick(_site.Database.Networks.Values.ToList())!;
        _writes.ChangeAdvertisement(network.Uid, network.Advertisement with { Communities = [.. Pick(Communities)!] });
    }

    private void AddIntruder()
    {
        if (_intruder is not null) return;
        _intruder = _site.NewNode(99);
        _intruder.Address = Pick(_site.Nodes)!.Address;
        _intruder.StartAgent();
    }

    private void ChangeAddress()
    {
        if (Pick(_site.Nodes.Where(n => n.IsUp)) is not { } node) return;
        node.KillMachine();
        node.Address = IPAddress.Parse($"172.27.117.{1 + (++_names % 250)}");
        node.StartMachine();
    }

    private void ChangePeer()
    {
        var router = Pick(_site.Routers)!;
        _writes.PutPeer(_site.Database.Peers[router.Name] with { HoldTime = 6 + Random.Next(6) });
    }
}
