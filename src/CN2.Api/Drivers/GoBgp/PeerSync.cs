using Grpc.Core;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>Keeps the engine's peers equal to the wanted ones, and the sessions equal to what the engine says about them.</summary>
internal sealed class PeerSync(GoBgpEngine engine, PeerMapper mapper, SessionTable sessions, Patrol patrol, ILogger logger)
{
    /// <summary>By address, without the peers that the engine cannot be given; null until the first call of <see cref="Set"/>.</summary>
    private Dictionary<string, BgpPeer>? _wanted;

    /// <summary>The engine was started and has no peers yet: they are added as after a restart.</summary>
    private bool _engineRestarted;

    private volatile bool _mustList;

    /// <summary>A session changed.</summary>
    public event Action? Changed;

    public int Count => _wanted?.Count ?? 0;

    /// <summary>Replaces the wanted peers; answers those that the engine is given, by address.</summary>
    public IReadOnlyDictionary<string, BgpPeer> Set(EngineTurn turn, IReadOnlyCollection<BgpPeer> peers)
    {
        turn.Require();
        var faults = new Dictionary<string, string>();
        var byAddress = new Dictionary<string, BgpPeer>();
        foreach (var peer in peers.OrderBy(p => p.Name, StringComparer.Ordinal))
        {
            var fault = mapper.Fault(peer);
            if (fault is null && !byAddress.TryAdd(peer.Address.ToString(), peer))
                fault = $"BgpRouter {byAddress[peer.Address.ToString()].Name} has the same address {peer.Address}.";
            if (fault is null) continue;
            faults[peer.Name] = fault;
            logger.PeerRefused(peer.Name, fault);
        }
        _wanted = byAddress;
        sessions.SetPeers(peers, faults, mapper.IsExternal);
        return byAddress;
    }

    /// <summary>The engine is empty and about to be started. Its routers still forward by the old routes (RFC 4724 §4.1).</summary>
    public void EngineStarting(EngineTurn turn)
    {
        turn.Require();
        _engineRestarted = true;
    }

    /// <inheritdoc cref="SessionTable.EngineAway"/>
    public void EngineAway(bool away) => sessions.EngineAway(away);

    /// <summary>Adds, updates and deletes peers until the engine has the wanted ones, and takes over what it says about each.</summary>
    public async Task SynchronizeAsync(EngineTurn turn)
    {
        _mustList = false;
        if (_wanted is not { } wanted) return;
        var changed = false;
        var missing = new Dictionary<string, BgpPeer>(wanted);
        foreach (var actual in await engine.ListPeersAsync(null, turn.Lost))
        {
            if (!missing.Remove(actual.Conf.NeighborAddress, out var peer))
            {
                await engine.DeletePeerAsync(actual, turn.Lost);
                logger.PeerChanged(actual.Conf.NeighborAddress, "deleted");
                continue;
            }
            await NoteRefusalAsync(peer, async () => changed |= await UpdateAsync(turn, peer, actual));
        }
        foreach (var peer in missing.Values)
        {
            await NoteRefusalAsync(peer, async () =>
            {
                await engine.AddPeerAsync(mapper.Encode(peer, _engineRestarted), turn.Lost);
                logger.PeerChanged(peer.Name, _engineRestarted ? "added as after a restart" : "added");
            });
        }
        _engineRestarted = false;
        if (changed) Changed?.Invoke();
    }

    /// <param name="always">False: only if an event called for it since the last check.</param>
    public async Task CheckAsync(EngineTurn turn, bool always)
    {
        if (always || _mustList) await SynchronizeAsync(turn);
    }

    /// <summary>Follows the sessions until the engine ends the stream, or throws what ended it.</summary>
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        using var call = engine.WatchPeers(cancellationToken);
        while (await call.ResponseStream.MoveNext(cancellationToken))
        {
            if (call.ResponseStream.Current.Peer is not { } e || e.Peer?.Conf is null) continue;
            if (sessions.Observe(e.Peer.Conf.NeighborAddress, e.Peer.State?.SessionState ?? default)) Changed?.Invoke();
            // The event does not say what was negotiated, or that the peer was deleted; a listing does.
            _mustList = true;
            patrol.Request();
        }
    }

    private async Task<bool> UpdateAsync(EngineTurn turn, BgpPeer peer, Wire.Peer actual)
    {
        var target = mapper.Encode(peer, restarting: false);
        switch (PeerMapper.Compare(target, actual))
        {
            case PeerDifference.Timers:
                await engine.UpdatePeerAsync(target, turn.Lost);
                logger.PeerChanged(peer.Name, "timers changed, from the next session on");
                return false;
            case PeerDifference.Session:
                await engine.UpdatePeerAsync(target, turn.Lost);
                logger.PeerChanged(peer.Name, "changed, new session");
                return false;
            case PeerDifference.Replace:
                await engine.DeletePeerAsync(actual, turn.Lost);
                await engine.AddPeerAsync(target, turn.Lost);
                logger.PeerChanged(peer.Name, "replaced, new session");
                return false;
            default:
                return sessions.Observe(actual);
        }
    }

    /// <summary>The engine refuses a peer: its session says why, and the other peers are carried out.</summary>
    private async Task NoteRefusalAsync(BgpPeer peer, Func<Task> calls)
    {
        try
        {
            await calls();
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Unknown)
        {
            if (sessions.Refuse(peer.Name, e.Status.Detail)) logger.PeerRefused(peer.Name, e.Status.Detail);
        }
    }
}
