using CN2.Network.Addressing;
using CN2.Network.Overlay;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>Learning VPN routes from peers, and asking for them (RFC 4684).</summary>
public sealed partial class GoBgpSpeaker
{
    private HashSet<RouteTarget> _importTargets = [];
    private volatile bool _membershipsSuspect;
    private int _membershipVersion;

    /// <summary>Without anything to learn or to count the engine is spared telling what peers send.</summary>
    private bool WantsImports => _peers is { } peers && (
        _importTargets.Count > 0 && peers.Values.Any(p => RouteFamilies.Vpn.Any(f => p.AddressFamilies.Contains(f.Name())))
        || peers.Values.Any(p => p.AddressFamilies.Contains("route-target")));

    /// <inheritdoc/>
    /// <remarks>Completes when what peers have sent already is known, or the engine is away.</remarks>
    public async Task SetImportAsync(IReadOnlyCollection<RouteTarget> routeTargets, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(routeTargets);
        foreach (var target in routeTargets) _ = VpnCodec.Encode(target);
        Task known;
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var before = _importTargets;
            _importTargets = [.. routeTargets];
            _imports.SetTargets(_importTargets);
            if (Healthy && _connection is { } connection)
            {
                try
                {
                    await _engine.SendAsync(
                        [.. _importTargets.Except(before).Select(t => Membership(t, isWithdraw: false)), .. before.Except(_importTargets).Select(t => Membership(t, isWithdraw: true))],
                        connection.Token);
                }
                catch (Exception e) when (IsLoss(e))
                {
                    Lose();
                }
            }
            known = _importWatch.ChangedAsync(WantsImports);
        }
        finally
        {
            _gate.Release();
        }
        if (_imports.HasChanges) Changed?.Invoke();
        await known.WaitAsync(cancellationToken);
    }

    public IReadOnlyCollection<ImportedRouteChange> TakeImported() => _imports.Take();

    private void OnImportsChanged()
    {
        var overflowing = _imports.Overflowing();
        var changed = _sessions.LimitImports(overflowing,
            $"More than {_options.ImportedRoutesPerPeer} VPN routes of this router carry an import route target; the others are not imported. Let it export fewer to this control node, import fewer route targets, or raise Bgp__ImportedRoutesPerPeer.");
        if (changed)
            foreach (var name in overflowing) _logger.RoutesOverLimit(name, _options.ImportedRoutesPerPeer);
        changed |= Interlocked.Exchange(ref _membershipVersion, _imports.MembershipVersion) != _imports.MembershipVersion;
        if (changed || _imports.HasChanges) Changed?.Invoke();
    }

    /// <summary>Makes the engine's own memberships those of the import targets. Under the gate.</summary>
    private async Task SynchronizeMembershipsAsync(CancellationToken cancellationToken)
    {
        _membershipsSuspect = false;
        var missing = new HashSet<RouteTarget>(_importTargets);
        var changes = new List<Wire.Path>();
        await foreach (var path in _engine.ListPathsAsync(RouteFamilies.RouteTarget, null, cancellationToken))
        {
            if (!PathMapper.IsLocal(path)) continue;
            if (ImportedPathDecoder.DecodeMembership(path) is { IsReadable: true, Target: { } target } && missing.Remove(target)) continue;
            changes.Add(PathMapper.EncodeWithdraw(path));
        }
        changes.AddRange(missing.Select(t => Membership(t, isWithdraw: false)));
        if (changes.Count > 0) await _engine.SendAsync(changes, cancellationToken);
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
        // The engine puts its own address in its place.
        path.Pattrs.Add(PathAttributes.Pack(new Wire.NextHopAttribute { NextHop = "0.0.0.0" }));
        return path;
    }
}
