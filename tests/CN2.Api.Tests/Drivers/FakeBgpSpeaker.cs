using CN2.Api.Drivers;
using CN2.Network.Addressing;
using CN2.Network.Overlay;

namespace CN2.Api.Tests.Drivers;

/// <summary>
/// An <see cref="IBgpSpeaker"/> with a table instead of an engine, for tests of its callers. It passes the same contract as the real one. The
/// test plays the engine (<see cref="KillEngine"/>, changes by hand) and the routers (<see cref="Establish"/>).
/// </summary>
internal sealed class FakeBgpSpeaker : IBgpSpeaker
{
    private readonly Lock _lock = new();
    private readonly FakeBgpEngine _engine;
    private Dictionary<BgpPathKey, BgpPath> _wanted = [];
    private readonly Dictionary<string, BgpSession> _sessions = [];
    private long _added;
    private long _withdrawn;
    private long _repairs;
    private long _restarts;
    private bool _started;
    private List<ImportedRouteChange> _imported = [];

    public FakeBgpSpeaker(FakeBgpEngine? engine = null)
    {
        _engine = engine ?? new();
        _engine.Touched += OnTouched;
    }

    public bool Enabled { get; init; } = true;

    public bool Healthy => _started && _engine.Running;

    public event Action? Changed;

    /// <summary>What the engine holds now.</summary>
    public IReadOnlyCollection<BgpPath> Paths
    {
        get
        {
            lock (_lock) return [.. _engine.Paths.Values];
        }
    }

    public IReadOnlyCollection<BgpPeer> Peers { get; private set; } = [];

    /// <summary>All calls that reached the engine, in order: <c>+prefix via next hop</c>, <c>-prefix via next hop</c>, <c>peer name</c>.</summary>
    public List<string> Journal { get; } = [];

    public IReadOnlyList<BgpSession> Sessions
    {
        get
        {
            lock (_lock)
            {
                return [.. _sessions.Values.OrderBy(s => s.Peer, StringComparer.Ordinal).Select(s => s with
                {
                    Advertised = !s.IsEstablished ? 0 : s.AddPath ? _engine.Paths.Count : _engine.Paths.Keys.Select(k => k.Prefix).Distinct().Count(),
                })];
            }
        }
    }

    public BgpSpeakerCounters Counters => new(_added, _withdrawn, _repairs, _restarts);

    public void KillEngine() => _engine.Kill();

    public void StartEngine() => _engine.Start();

    public void Establish(string peer, string state = "Established")
    {
        lock (_lock)
        {
            _sessions[peer] = _sessions[peer] with
            {
                State = state,
                Families = state == "Established" ? Peers.Single(p => p.Name == peer).AddressFamilies : [],
                AddPath = state == "Established" && Peers.Single(p => p.Name == peer).AddPath,
                LastError = null,
            };
        }
        Changed?.Invoke();
    }

    public async Task<IReadOnlyCollection<BgpPath>> StartAsync(CancellationToken cancellationToken)
    {
        while (!_engine.Running) await Task.Delay(10, cancellationToken);
        IReadOnlyCollection<BgpPath> found;
        lock (_lock)
        {
            _wanted = new(_engine.Paths);
            _started = true;
            found = [.. _wanted.Values];
        }
        Changed?.Invoke();
        return found;
    }

    public Task<IReadOnlyList<RefusedPath>> SetPathsAsync(IReadOnlyCollection<BgpPath> paths, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var (wanted, refused) = Check(paths);
            return Apply(wanted, [.. _wanted.Keys.Union(Waiting).Except(wanted.Select(p => p.Key))], refused);
        }
    }

    public Task<IReadOnlyList<RefusedPath>> ChangePathsAsync(
        IReadOnlyCollection<BgpPath> add, IReadOnlyCollection<BgpPathKey> remove, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var (wanted, refused) = Check(add);
            return Apply(wanted, [.. remove.Concat(refused.Select(r => r.Key)).Except(wanted.Select(p => p.Key))], refused);
        }
    }

    /// <summary>For paths that only the engine refuses: answers the reason, or null to accept the path.</summary>
    public Func<BgpPath, string?> EngineRefuses { get; set; } = _ => null;

    /// <summary>The numbers that the engine has given or will give to these paths; to others it gives unknown ones.</summary>
    public Dictionary<BgpPathKey, uint> Numbers { get; } = [];

    public IReadOnlyList<uint> PathIdentifiersOf(IReadOnlyCollection<BgpPathKey> paths) => [.. paths.Select(p => Numbers.GetValueOrDefault(p))];

    /// <summary>Withdrawals that a router has not got yet: they are answered as such, and the paths stay.</summary>
    public HashSet<BgpPathKey> Waiting { get; } = [];

    public Task SetPeersAsync(IReadOnlyCollection<BgpPeer> peers, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            Peers = [.. peers];
            foreach (var gone in _sessions.Keys.Except(peers.Select(p => p.Name)).ToList()) _sessions.Remove(gone);
            foreach (var peer in peers)
            {
                Journal.Add($"peer {peer.Name}");
                _sessions.TryAdd(peer.Name, new(peer.Name, "Idle", DateTimeOffset.UtcNow, [], false, 0, 0, null));
                if (peer.AdminDown) _sessions[peer.Name] = _sessions[peer.Name] with { State = "Idle", LastError = "adminDown is set." };
                if (AutonomousSystem.FaultOf(peer.AutonomousSystem) is { } fault) _sessions[peer.Name] = _sessions[peer.Name] with { LastError = $"autonomousSystem: {fault}" };
            }
        }
        Changed?.Invoke();
        return Task.CompletedTask;
    }

    public IReadOnlyCollection<RouteTarget> ImportTargets { get; private set; } = [];

    public Task SetImportAsync(IReadOnlyCollection<RouteTarget> routeTargets, CancellationToken cancellationToken)
    {
        lock (_lock) ImportTargets = [.. routeTargets];
        return Task.CompletedTask;
    }

    public IReadOnlyCollection<ImportedRouteChange> TakeImported()
    {
        lock (_lock)
        {
            var taken = _imported;
            _imported = [];
            return taken;
        }
    }

    /// <summary>A peer sends a route, or withdraws it (null).</summary>
    public void Learn(ImportedRouteKey key, ImportedRoute? route)
    {
        lock (_lock) _imported.Add(new(key, route));
        Changed?.Invoke();
    }

    private (List<BgpPath> Wanted, List<RefusedPath> Refused) Check(IReadOnlyCollection<BgpPath> paths)
    {
        var wanted = new List<BgpPath>();
        var refused = new List<RefusedPath>();
        foreach (var path in paths)
        {
            if ((PathLimits.Fault(path) ?? EngineRefuses(path)) is { } reason) refused.Add(new(path.Key, reason));
            else wanted.Add(path);
        }
        return (wanted, refused);
    }

    private Task<IReadOnlyList<RefusedPath>> Apply(
        IReadOnlyCollection<BgpPath> add, IReadOnlyCollection<BgpPathKey> remove, IReadOnlyList<RefusedPath> refused)
    {
        foreach (var path in add)
        {
            if (_wanted.TryGetValue(path.Key, out var before) && before == path) continue;
            _wanted[path.Key] = path;
            if (!Healthy) continue;
            _engine.Paths[path.Key] = path;
            _added++;
            Journal.Add($"+{path.Prefix} via {path.Key.Path}");
        }
        refused = [.. refused, .. remove.Where(Waiting.Contains).Select(k => new RefusedPath(k, "A router may still have it.", IsWithdrawal: true))];
        foreach (var key in remove.Where(k => !Waiting.Contains(k)))
        {
            if (!_wanted.Remove(key) || !Healthy) continue;
            _engine.Paths.Remove(key);
            _withdrawn++;
            Journal.Add($"-{key.Prefix} via {key.Path}");
        }
        return Healthy
            ? Task.FromResult(refused)
            : Task.FromException<IReadOnlyList<RefusedPath>>(new BgpEngineException("The engine is away.", isTransient: true));
    }

    private void OnTouched(bool restarted)
    {
        lock (_lock)
        {
            if (!_engine.Running)
            {
                foreach (var (name, session) in _sessions.ToList()) _sessions[name] = session with { State = "Idle", LastError = "The engine is away." };
            }
            else if (_started)
            {
                if (restarted) _restarts++;
                else _repairs++;
                _engine.Paths.Clear();
                foreach (var (key, path) in _wanted) _engine.Paths[key] = path;
            }
        }
        Changed?.Invoke();
    }
}
