using Grpc.Core;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>The engine's peers, kept equal to the wanted ones.</summary>
public sealed partial class GoBgpSpeaker
{
    /// <summary>Adds, updates and deletes peers until the engine has the wanted ones, and takes over what it lists of each. Under the gate.</summary>
    private async Task SynchronizePeersAsync(CancellationToken cancellationToken)
    {
        _peersSuspect = false;
        if (_peers is not { } wanted) return;
        var changed = false;
        var missing = new Dictionary<string, BgpPeer>(wanted);
        foreach (var actual in await _engine.ListPeersAsync(null, cancellationToken))
        {
            if (!missing.Remove(actual.Conf.NeighborAddress, out var peer))
            {
                await _engine.DeletePeerAsync(actual, cancellationToken);
                _logger.PeerChanged(actual.Conf.NeighborAddress, "deleted");
                continue;
            }
            await OrRefusedAsync(peer, async () => changed |= await UpdatePeerAsync(peer, actual, cancellationToken));
        }
        foreach (var peer in missing.Values)
        {
            await OrRefusedAsync(peer, async () =>
            {
                await _engine.AddPeerAsync(_peerMapper.Encode(peer, _restarting), cancellationToken);
                _logger.PeerChanged(peer.Name, _restarting ? "added as after a restart" : "added");
            });
        }
        _restarting = false;
        if (changed) Changed?.Invoke();
    }

    private async Task<bool> UpdatePeerAsync(BgpPeer peer, Wire.Peer actual, CancellationToken cancellationToken)
    {
        var target = _peerMapper.Encode(peer, restarting: false);
        switch (PeerMapper.Compare(target, actual))
        {
            case PeerDifference.Timers:
                await _engine.UpdatePeerAsync(target, cancellationToken);
                _logger.PeerChanged(peer.Name, "timers changed, from the next session on");
                return false;
            case PeerDifference.Session:
                await _engine.UpdatePeerAsync(target, cancellationToken);
                _logger.PeerChanged(peer.Name, "changed, new session");
                return false;
            case PeerDifference.Replace:
                await _engine.DeletePeerAsync(actual, cancellationToken);
                await _engine.AddPeerAsync(target, cancellationToken);
                _logger.PeerChanged(peer.Name, "replaced, new session");
                return false;
            default:
                return _sessions.Observe(actual);
        }
    }

    /// <summary>A peer the engine refuses has the reason in its session and stops none of the others.</summary>
    private async Task OrRefusedAsync(BgpPeer peer, Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unknown)
        {
            if (_sessions.Refuse(peer.Name, e.Status.Detail)) _logger.PeerRefused(peer.Name, e.Status.Detail);
        }
    }
}
