using System.Net;
using CN2.Api.Drivers.GoBgp.Wire;
using CN2.Simulation.Tests.Scheduling;
using Grpc.Core;
using Path = CN2.Api.Drivers.GoBgp.Wire.Path;
using Wire = CN2.Api.Drivers.GoBgp.Wire;

namespace CN2.Simulation.Tests.Bgp;

/// <summary>
/// gobgpd 3.10 as measured (docs/facts/lab.md): it forgets everything when it ends, numbers the paths of a prefix itself, validates next to
/// nothing, and after an UpdatePeer with other timers alone its next OPEN offers no ADD-PATH. A peer that was added as after a restart is sent
/// nothing until all such peers have sent their End-of-RIB, or its deferral time is over.
/// </summary>
internal sealed class Engine(string name, IReadOnlyDictionary<string, Router> routers, Scheduler scheduler, Random random)
{
    /// <summary>The engine refuses paths with this MED; a stand-in for whatever it may refuse.</summary>
    public const uint RefusedMed = 666;

    private readonly Dictionary<(uint Afi, uint Safi, string Nlri), EnginePrefix> _table = [];
    private readonly Dictionary<string, Session> _sessions = [];
    private readonly List<EventStream> _watches = [];
    private readonly Dictionary<PolicyDirection, PolicyAssignment> _assignments = [];
    private readonly Dictionary<string, Policy> _policies = [];
    private readonly Dictionary<(DefinedType, string), DefinedSet> _sets = [];
    private Global? _global;

    public string Name { get; } = name;

    /// <summary>For the trace.</summary>
    public event Action<Engine, EnginePrefix, Path>? Taken;

    public bool IsUp { get; private set; } = true;

    /// <summary>Its process is stopped: it answers nothing.</summary>
    public bool IsHung { get; private set; }

    /// <summary>Grows with every start: calls of an earlier life are lost.</summary>
    public int Life { get; private set; }

    /// <summary>A session that was opened as after a restart has got the router's End-of-RIB.</summary>
    public void EndOfRibReceived()
    {
        var restarting = _sessions.Values.Where(s => s.IsRestarting).ToList();
        if (!restarting.TrueForAll(s => s.HasEndOfRib)) return;
        foreach (var session in restarting) session.EndRestart();
    }

    public IEnumerable<Session> Sessions => _sessions.Values;

    public IEnumerable<EnginePrefix> Prefixes => _table.Values.Where(p => p.Address is not null && p.Paths.Count > 0);

    public void Kill()
    {
        if (!IsUp) return;
        IsUp = IsHung = false;
        Life++;
        foreach (var session in _sessions.Values) session.Die();
        _table.Clear();
        _sessions.Clear();
        _assignments.Clear();
        _policies.Clear();
        _sets.Clear();
        _global = null;
        foreach (var watch in _watches.ToList()) watch.Fail();
        _watches.Clear();
    }

    public void Start() => IsUp = true;

    public void Hang()
    {
        IsHung = IsUp;
        foreach (var session in _sessions.Values) session.Stop();
    }

    public void Continue()
    {
        IsHung = false;
        foreach (var session in _sessions.Values) session.Continue();
    }

    public object Answer(string method, object request)
    {
        switch (method, request)
        {
            case ("GetBgp", _):
                return new GetBgpResponse { Global = _global ?? new Global() };
            case ("StartBgp", StartBgpRequest start):
                if (_global is not null) throw Refusal("address already in use");
                _global = start.Global;
                break;
            case ("StopBgp", _):
                foreach (var session in _sessions.Values)
                {
                    session.Reset(isGraceful: false);
                    session.IsDeleted = true;
                }

                _sessions.Clear();
                _table.Clear();
                _global = null;
                break;
            case ("GetTable", GetTableRequest get):
                var counted = _table.Where(p => p.Key.Afi == get.Family.Afi && p.Key.Safi == get.Family.Safi && p.Value.Paths.Count > 0).ToList();
                return new GetTableResponse { NumDestination = (ulong)counted.Count, NumPath = (ulong)counted.Sum(p => p.Value.Paths.Count) };
            case ("AddPeer", AddPeerRequest add):
                if (_sessions.ContainsKey(add.Peer.Conf.NeighborAddress)) throw Refusal("can't overwrite the existing peer");
                AddPeer(add.Peer.Clone());
                break;
            case ("UpdatePeer", UpdatePeerRequest update):
                if (!_sessions.TryGetValue(update.Peer.Conf.NeighborAddress, out var updated)) throw Refusal("neighbor not found");
                updated.Update(update.Peer.Clone());
                return new UpdatePeerResponse();
            case ("DeletePeer", DeletePeerRequest delete):
                if (!_sessions.Remove(delete.Address, out var deleted)) throw Refusal("neighbor not found");
                deleted.Reset(isGraceful: false);
                deleted.IsDeleted = true;
                break;
            case ("ResetPeer" or "DeleteStatement", _):
                break;
            case ("AddPolicy", AddPolicyRequest add):
                if (!_policies.TryAdd(add.Policy.Name, add.Policy)) throw Refusal("statement already defined");
                break;
            case ("DeletePolicy", DeletePolicyRequest delete):
                // gobgpd looks at the export policies only; an import policy that is deleted stays in force.
                if (_assignments.TryGetValue(PolicyDirection.Export, out var exports) && exports.Policies.Any(p => p.Name == delete.Policy.Name)) throw Refusal($"can't delete. policy {delete.Policy.Name} is in use");
                if (!_policies.Remove(delete.Policy.Name)) throw Refusal("not found policy");
                break;
            case ("AddDefinedSet", AddDefinedSetRequest add):
                if (!_sets.TryGetValue((add.DefinedSet.DefinedType, add.DefinedSet.Name), out var added)) _sets[(add.DefinedSet.DefinedType, add.DefinedSet.Name)] = add.DefinedSet.Clone();
                else
                {
                    added.List.Add(add.DefinedSet.List);
                    added.Prefixes.Add(add.DefinedSet.Prefixes);
                }

                break;
            case ("DeleteDefinedSet", DeleteDefinedSetRequest delete):
                if (!_sets.TryGetValue((delete.DefinedSet.DefinedType, delete.DefinedSet.Name), out var shortened)) throw Refusal("not found defined-set");
                if (delete.All) _sets.Remove((delete.DefinedSet.DefinedType, delete.DefinedSet.Name));
                foreach (var entry in delete.DefinedSet.List) shortened.List.Remove(entry);
                break;
            case ("SetPolicyAssignment", SetPolicyAssignmentRequest set):
                if (set.Assignment.Policies.FirstOrDefault(p => !_policies.ContainsKey(p.Name)) is { } unknown) throw Refusal($"not found policy {unknown.Name}");
                var assigned = set.Assignment.Clone();
                assigned.Policies.Clear();
                assigned.Policies.Add(set.Assignment.Policies.Select(p => _policies[p.Name]));
                _assignments[set.Assignment.Direction] = assigned;
                break;
            default:
                throw new NotSupportedException($"The model of gobgpd does not know {method}.");
        }

        return new Google.Protobuf.WellKnownTypes.Empty();
    }

    public IEnumerable<object> List(string method, object request)
    {
        switch (method, request)
        {
            case ("ListPath", ListPathRequest list):
                if (list.TableType == TableType.AdjIn) return [];
                return _table.Where(p => p.Key.Afi == list.Family.Afi && p.Key.Safi == list.Family.Safi && p.Value.Paths.Count > 0
                        && (list.Prefixes.Count == 0 || list.Prefixes.Any(w => w.Prefix == p.Value.Text)))
                    .Select(p => new ListPathResponse { Destination = new Destination { Prefix = p.Value.Text, Paths = { p.Value.Paths.Select((path, i) => Listed(path, isBest: i == 0)) } } }).ToList();
            case ("ListPeer", ListPeerRequest peers):
                return _sessions.Values.Where(s => peers.Address.Length == 0 || s.Address == peers.Address).Select(s => new ListPeerResponse { Peer = s.Listed() }).ToList();
            case ("ListDefinedSet", ListDefinedSetRequest sets):
                return _sets.Values.Where(s => s.DefinedType == sets.DefinedType).Select(s => new ListDefinedSetResponse { DefinedSet = s.Clone() }).ToList();
            case ("ListPolicyAssignment", _):
                return _assignments.Values.Select(a => new ListPolicyAssignmentResponse { Assignment = a.Clone() }).ToList();
            default:
                throw new NotSupportedException($"The model of gobgpd does not know {method}.");
        }
    }

    /// <summary>
    /// The export policies keep the path from this neighbor. Of what they say only the communities that reject are carried out; the engine itself ignores the well-known ones of
    /// local paths.
    /// </summary>
    public bool IsKeptFrom(string neighbor, EnginePath path)
    {
        if (!_assignments.TryGetValue(PolicyDirection.Export, out var assignment) || path.Communities.Count == 0) return false;
        return assignment.Policies.SelectMany(p => p.Statements).Any(s => s.Actions?.RouteAction == RouteAction.Reject && s.Conditions?.CommunitySet is { } communities
            && Has(DefinedType.Community, communities.Name, path.Communities.Contains)
            && (s.Conditions.NeighborSet is not { } neighbors || Has(DefinedType.Neighbor, neighbors.Name, entry => entry == $"{neighbor}/32")));

        bool Has(DefinedType type, string name, Func<string, bool> matches) => _sets.TryGetValue((type, name), out var set) && set.List.Any(matches);
    }

    public void Watch(EventStream stream, WatchEventRequest request)
    {
        _watches.Add(stream);
        stream.WantsPeers = request.Peer is not null;
        stream.WantsTable = request.Table is not null;
        if (!stream.WantsPeers) return;
        foreach (var session in _sessions.Values) stream.Send(session.Event(WatchEventResponse.Types.PeerEvent.Types.Type.Init));
        stream.Send(new WatchEventResponse { Peer = new() { Type = WatchEventResponse.Types.PeerEvent.Types.Type.EndOfInit } });
    }

    public void Unwatch(EventStream stream) => _watches.Remove(stream);

    /// <summary>A message of AddPathStream; a bad path ends the stream, and those before it stay.</summary>
    public void Take(IEnumerable<Path> paths)
    {
        if (_global is null) throw Refusal("bgp server hasn't started yet");
        foreach (var path in paths) Take(path);
    }

    public void Tell(WatchEventResponse e)
    {
        foreach (var watch in _watches.ToList())
        {
            if (e.Peer is not null ? watch.WantsPeers : watch.WantsTable) watch.Send(e);
        }
    }

    public static RpcException Refusal(string detail) => new(new Status(StatusCode.Unknown, detail));

    private void Take(Path path)
    {
        var prefix = PrefixOf(path);
        var known = prefix.Paths.FindIndex(p => p.Identifier == path.Identifier);
        Taken?.Invoke(this, prefix, path);
        if (path.IsWithdraw)
        {
            if (known < 0) return;
            var gone = prefix.Paths[known];
            prefix.Paths.RemoveAt(known);
            foreach (var session in _sessions.Values) session.Withdraw(prefix, gone);
        }
        else
        {
            if (path.Pattrs.Any(a => a.TryUnpack<MultiExitDiscAttribute>(out var med) && med.Med == RefusedMed)) throw Refusal("invalid path attributes");
            var number = known < 0 ? prefix.NextNumber() : prefix.Paths[known].Number;
            var added = new EnginePath(path, path.Identifier, number, NextHopOf(path)) { Communities = CommunitiesOf(path) };
            if (known < 0) prefix.Paths.Add(added);
            else prefix.Paths[known] = added;
            foreach (var session in _sessions.Values) session.Announce(prefix, added);
        }

        var told = path.Clone();
        told.NeighborIp = "<nil>";
        Tell(new WatchEventResponse { Table = new() { Paths = { told } } });
    }

    private EnginePrefix PrefixOf(Path path)
    {
        var address = path.Nlri.TryUnpack<IPAddressPrefix>(out var unicast) ? IPAddress.Parse(unicast.Prefix) : null;
        var text = unicast is null ? path.Nlri.Value.ToBase64() : $"{unicast.Prefix}/{unicast.PrefixLen}";
        var key = (path.Family.Afi, path.Family.Safi, text);
        if (!_table.TryGetValue(key, out var prefix)) _table[key] = prefix = new EnginePrefix(text, address);
        return prefix;
    }

    private static IPAddress? NextHopOf(Path path)
    {
        foreach (var attribute in path.Pattrs)
            if (attribute.TryUnpack<NextHopAttribute>(out var hop)) return IPAddress.Parse(hop.NextHop);
        return null;
    }

    /// <summary>As the engine writes them in sets: <c>65535:65281</c>.</summary>
    private static IReadOnlyList<string> CommunitiesOf(Path path)
    {
        foreach (var attribute in path.Pattrs)
            if (attribute.TryUnpack<CommunitiesAttribute>(out var found)) return [.. found.Communities.Select(c => $"{c >> 16}:{c & 0xffff}")];
        return [];
    }

    private static Path Listed(EnginePath path, bool isBest)
    {
        var listed = path.Wire.Clone();
        listed.Best = isBest;
        listed.NeighborIp = "<nil>";
        listed.LocalIdentifier = path.Number;
        return listed;
    }

    private void AddPeer(Wire.Peer peer)
    {
        var session = new Session(this, routers.GetValueOrDefault(peer.Conf.NeighborAddress), peer, scheduler, random);
        _sessions[peer.Conf.NeighborAddress] = session;
        session.ConnectLater();
    }
}
