using CN2.Api.Options;
using CN2.Network.Addressing;
using CN2.Network.Overlay;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// Learns the VPN routes of the import route targets, and keeps the memberships by which routers are asked for them (RFC 4684) in the
/// engine. The routes stay beside the table that is announced.
/// </summary>
internal sealed class ImportSync
{
    private readonly GoBgpEngine _engine;
    private readonly BgpOptions _options;
    private readonly SessionTable _sessions;
    private readonly ILogger _logger;
    private readonly ImportTable _table;
    private readonly ImportWatch _watch;

    /// <summary>Null until they are set: an engine that runs since before this server keeps the memberships that it has.</summary>
    private HashSet<RouteTarget>? _targets;
    private IReadOnlyDictionary<string, BgpPeer>? _peers;
    private volatile bool _membershipsInvalid;
    private int _membershipVersion;

    public ImportSync(GoBgpEngine engine, TableWatch tableWatch, SessionTable sessions, BgpOptions options, TimeProvider time, ILogger logger)
    {
        (_engine, _options, _sessions, _logger) = (engine, options, sessions, logger);
        _table = new(time, options.ImportedRoutesPerPeer);
        _watch = new(engine, _table, new(options.AutonomousSystem, options.RouterId), time, logger);
        _watch.Changed += NoteChanges;
        tableWatch.Observed += Observe;
    }

    /// <summary>There is something to take, or a session's error or counts changed.</summary>
    public event Action? Changed;

    public bool HasChanges => _table.HasChanges;

    public IReadOnlyCollection<ImportedRouteChange> Take() => _table.Take();

    /// <summary>What the peer of this address asked for.</summary>
    public Memberships MembershipsOf(string address) => _table.MembershipsOf(address);

    /// <summary>
    /// Replaces the import route targets, in the engine too if it is there. The task inside completes when what peers have sent already
    /// is known, or the engine is away.
    /// </summary>
    public async Task<Task> SetTargetsAsync(EngineTurn turn, IReadOnlyCollection<RouteTarget> targets)
    {
        turn.Require();
        var before = _targets;
        HashSet<RouteTarget> now = [.. targets];
        _targets = now;
        _table.SetTargets(now);
        await turn.TryAsync(() => before is null ? SynchronizeMembershipsAsync(turn) : _engine.SendAsync(
            [.. now.Except(before).Select(t => Membership(t, isWithdraw: false)), .. before.Except(now).Select(t => Membership(t, isWithdraw: true))],
            turn.Lost));
        return _watch.ChangedAsync(IsWanted);
    }

    /// <summary>Replaces the peers, by address.</summary>
    public void SetPeers(EngineTurn turn, IReadOnlyDictionary<string, BgpPeer> peers)
    {
        turn.Require();
        _peers = peers;
        _table.SetPeers(peers);
        _ = _watch.ChangedAsync(IsWanted);
    }

    /// <summary>Makes the engine's own memberships those of the import route targets, once these are known.</summary>
    public async Task SynchronizeMembershipsAsync(EngineTurn turn)
    {
        _membershipsInvalid = false;
        if (_targets is not { } targets) return;
        var missing = new HashSet<RouteTarget>(targets);
        var changes = new List<Wire.Path>();
        await foreach (var path in _engine.ListPathsAsync(RouteFamilies.RouteTarget, null, turn.Lost))
        {
            if (!PathMapper.IsLocal(path)) continue;
            if (ImportedPathDecoder.DecodeMembership(path) is { IsReadable: true, Membership: { } own } && missing.Remove(own.Target)) continue;
            changes.Add(PathMapper.EncodeWithdraw(path));
        }
        changes.AddRange(missing.Select(t => Membership(t, isWithdraw: false)));
        if (changes.Count > 0) await _engine.SendAsync(changes, turn.Lost);
    }

    /// <param name="always">False: only if an event called for it since the last check.</param>
    public async Task CheckMembershipsAsync(EngineTurn turn, bool always)
    {
        if (always || _membershipsInvalid) await SynchronizeMembershipsAsync(turn);
    }

    /// <summary>The engine answers; <see cref="WatchAsync"/> follows.</summary>
    public void Connected() => _watch.Connected();

    /// <inheritdoc cref="ImportWatch.RunAsync"/>
    public Task WatchAsync(CancellationToken cancellationToken) => _watch.RunAsync(cancellationToken);

    /// <summary>The engine is away, or still away: routes whose time is over expire.</summary>
    public void EngineAway()
    {
        _watch.Lost();
        _table.Expire();
        NoteChanges();
    }

    /// <summary>Without VPN routes to learn, and without memberships to count by, the engine need not report what peers send.</summary>
    private bool IsWanted => _peers is { } peers && (
        (_targets is { Count: > 0 } && peers.Values.Any(p => RouteFamilies.Vpn.Any(f => p.AddressFamilies.Contains(f.Name()))))
        || peers.Values.Any(p => p.AddressFamilies.Contains("route-target")));

    private void Observe(IReadOnlyCollection<Wire.Path> paths)
    {
        if (paths.Any(p => p.IsWithdraw && RouteFamilies.RouteTarget.Equals(p.Family))) _membershipsInvalid = true;
    }

    private void NoteChanges()
    {
        var faults = _table.Faults();
        var changed = _sessions.LimitImports(faults);
        if (changed)
            foreach (var (name, fault) in faults) _logger.OverImportLimit(name, fault);
        changed |= Interlocked.Exchange(ref _membershipVersion, _table.MembershipVersion) != _table.MembershipVersion;
        if (changed || _table.HasChanges) Changed?.Invoke();
    }

    private Wire.Path Membership(RouteTarget target, bool isWithdraw)
    {
        var path = new Wire.Path
        {
            Nlri = PathAttributes.Pack(new Wire.RouteTargetMembershipNLRI { Asn = _options.AutonomousSystem, Rt = VpnCodec.Encode(target) }),
            Family = RouteFamilies.RouteTarget,
            IsWithdraw = isWithdraw,
        };
        if (isWithdraw) return path;
        path.Pattrs.Add(PathAttributes.Pack(new Wire.OriginAttribute { Origin = PathAttributes.OriginIncomplete }));
        // The engine replaces it by its own address.
        path.Pattrs.Add(PathAttributes.Pack(new Wire.NextHopAttribute { NextHop = "0.0.0.0" }));
        return path;
    }
}
