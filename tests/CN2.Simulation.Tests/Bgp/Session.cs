using System.Net;
using CN2.Api.Drivers.GoBgp;
using CN2.Api.Drivers.GoBgp.Wire;
using CN2.Simulation.Tests.Scheduling;
using Google.Protobuf.WellKnownTypes;
using Wire = CN2.Api.Drivers.GoBgp.Wire;

namespace CN2.Simulation.Tests.Bgp;

/// <summary>A peer of an engine, and the session with the router when there is one.</summary>
internal sealed class Session(Engine engine, Router? router, Wire.Peer peer, Scheduler scheduler, Random random)
{
    /// <summary>By then a message of a session has arrived.</summary>
    public static readonly TimeSpan LongestWay = TimeSpan.FromMilliseconds(30);

    private Wire.Peer _peer = peer;
    private bool _losesAddPath;
    private bool _offersAddPath;
    private bool _isConnecting;
    private bool _isStopped;
    private bool _isRestarting = peer.GracefulRestart?.LocalRestarting == true;
    private long _lastArrival;
    private readonly long _addedAt = scheduler.Now;

    /// <summary>When the last session began, in whole seconds.</summary>
    private Timestamp? _uptime;

    /// <summary>Grows with every session.</summary>
    private int _generation;

    /// <summary>Grows when what was sent does not arrive any more.</summary>
    private int _wire;

    /// <summary>What a router without ADD-PATH was sent.</summary>
    private readonly Dictionary<IPAddress, EnginePath> _best = [];

    public string Address => _peer.Conf.NeighborAddress;

    public Router? Router => router;

    public string Engine => engine.Name;

    public bool IsUp { get; private set; }

    public bool IsDeleted { get; set; }

    public bool HasAddPath { get; private set; }

    /// <summary>The peer was added as after a restart, and has not been sent everything yet.</summary>
    public bool IsRestarting => _isRestarting && !IsDeleted;

    /// <summary>Withdrawals wait until this router has been sent everything, or counts as late.</summary>
    public bool HoldsUpWithdrawals => IsRestarting && scheduler.Now - _addedAt < PeerSync.LateAfter.Ticks;

    /// <summary>The router has sent everything that it has in this session.</summary>
    public bool HasEndOfRib { get; private set; }

    public int HoldTime => (int)(_peer.Timers?.Config?.HoldTime ?? 90);

    public int Generation => _generation;

    /// <summary>Seconds for which the router keeps what this engine sent; 0: not at all.</summary>
    public int RestartTime => _peer.GracefulRestart is { Enabled: true } restart ? (int)restart.RestartTime : 0;

    public void ConnectLater()
    {
        if (_isConnecting) return;
        _isConnecting = true;
        scheduler.After(TimeSpan.FromMilliseconds(100 + random.Next(1500)), () =>
        {
            _isConnecting = false;
            if (IsUp || IsDeleted || !engine.IsUp || _peer.Conf.AdminDown || router is null) return;
            if (engine.IsHung || router.IsCutFrom(engine.Name)) ConnectLater();
            else Open();
        });
    }

    /// <summary>The session ends. Graceful: the router sees only that the connection is gone (RFC 4724); else a NOTIFICATION or its hold timer.</summary>
    public void Reset(bool isGraceful)
    {
        _generation++;
        _wire++;
        if (IsUp)
        {
            IsUp = false;
            router!.Lost(this, isGraceful && RestartTime > 0);
            TellState();
        }

        ConnectLater();
    }

    /// <summary>The engine's process is killed: what it has sent arrives, and then the end of the connection.</summary>
    public void Die()
    {
        IsDeleted = true;
        _generation++;
        if (!IsUp) return;
        Deliver(() => router!.Lost(this, RestartTime > 0));
        IsUp = false; // it cannot tell that any more
    }

    /// <summary>The engine's process is stopped: the router's hold timer ends the session.</summary>
    public void Stop()
    {
        _isStopped = true;
        var generation = _generation;
        scheduler.After(TimeSpan.FromSeconds(HoldTime), () =>
        {
            if (_isStopped && generation == _generation && IsUp) Reset(isGraceful: false);
        });
    }

    public void Continue() => _isStopped = false;

    public void Update(Wire.Peer peer)
    {
        var before = _peer;
        _peer = peer;
        var sameSession = before.Clone();
        sameSession.Timers = peer.Timers?.Clone();
        sameSession.State = peer.State?.Clone();
        if (sameSession.Equals(peer))
        {
            if (!before.Equals(peer)) _losesAddPath = true;
            return;
        }

        _losesAddPath = false;
        Reset(isGraceful: false);
    }

    public void Announce(EnginePrefix prefix, EnginePath path)
    {
        if (!IsUp || _isRestarting || prefix.Address is null) return;
        if (!HasAddPath) SendBest(prefix);
        // Else a version that was sent before stays there (docs/facts/lab.md).
        else if (!engine.IsKeptFrom(Address, path)) Send(prefix.Address, path.Number, path.NextHop);
    }

    public void Withdraw(EnginePrefix prefix, EnginePath path)
    {
        if (!IsUp || _isRestarting || prefix.Address is null) return;
        if (HasAddPath) Send(prefix.Address, path.Number, null);
        else SendBest(prefix);
    }

    public Wire.Peer Listed()
    {
        var listed = _peer.Clone();
        listed.State = new PeerState { NeighborAddress = Address, SessionState = StateOf(), Messages = new() { Received = new(), Sent = new() } };
        if (_uptime is not null) (listed.Timers ??= new()).State = new TimersState { Uptime = _uptime };
        if (listed.GracefulRestart is { } restart) restart.LocalRestarting = _isRestarting;
        if (!IsUp) return listed;
        if (_offersAddPath) listed.State.LocalCap.Add(AddPath(AddPathCapabilityTuple.Types.Mode.Send));
        foreach (var family in _peer.AfiSafis) listed.State.RemoteCap.Add(Any.Pack(new MultiProtocolCapability { Family = family.Config.Family }));
        if (router!.TakesAddPath) listed.State.RemoteCap.Add(AddPath(AddPathCapabilityTuple.Types.Mode.Receive));
        return listed;
    }

    private Any AddPath(AddPathCapabilityTuple.Types.Mode mode)
    {
        var capability = new AddPathCapability();
        foreach (var family in _peer.AfiSafis) capability.Tuples.Add(new AddPathCapabilityTuple { Family = family.Config.Family, Mode = mode });
        return Any.Pack(capability);
    }

    public WatchEventResponse Event(WatchEventResponse.Types.PeerEvent.Types.Type type) => new()
    {
        Peer = new()
        {
            Type = type,
            Peer = new() { Conf = new() { NeighborAddress = Address }, State = new() { NeighborAddress = Address, SessionState = StateOf() } },
        },
    };

    private PeerState.Types.SessionState StateOf() => IsUp ? PeerState.Types.SessionState.Established : PeerState.Types.SessionState.Active;

    private void TellState() => engine.Tell(Event(WatchEventResponse.Types.PeerEvent.Types.Type.State));

    private void Open()
    {
        IsUp = true;
        _uptime = new Timestamp { Seconds = SimulatedTime.At(scheduler.Now).ToUnixTimeSeconds() };
        _generation++;
        _wire++;
        _best.Clear();
        _offersAddPath = !_losesAddPath && _peer.AfiSafis.Any(f => f.AddPaths?.Config?.SendMax > 0);
        HasAddPath = _offersAddPath && router!.TakesAddPath;
        HasEndOfRib = false;
        router!.Opened(this, keepsRoutes: _isRestarting);
        TellState();
        if (!_isRestarting)
        {
            SendEverything();
            return;
        }

        var generation = _generation;
        scheduler.After(TimeSpan.FromMilliseconds(random.Next(60)), () =>
        {
            if (generation != _generation || !IsUp) return;
            HasEndOfRib = true;
            engine.EndOfRibReceived();
        });
        scheduler.After(TimeSpan.FromSeconds(_peer.GracefulRestart.DeferralTime), () =>
        {
            if (generation == _generation && IsUp) EndRestart();
        });
    }

    /// <summary>Sends what had to wait.</summary>
    public void EndRestart()
    {
        if (!_isRestarting || !IsUp) return;
        _isRestarting = false;
        SendEverything();
    }

    private void SendEverything()
    {
        foreach (var prefix in engine.Prefixes)
        {
            if (HasAddPath)
            {
                // The latest path comes first.
                for (var i = prefix.Paths.Count - 1; i >= 0; i--)
                    if (!engine.IsKeptFrom(Address, prefix.Paths[i])) Send(prefix.Address!, prefix.Paths[i].Number, prefix.Paths[i].NextHop);
            }
            else
            {
                SendBest(prefix);
            }
        }

        Deliver(() => router!.EndOfRib(this));
    }

    private void SendBest(EnginePrefix prefix)
    {
        var best = prefix.Paths.FirstOrDefault();
        var sent = _best.GetValueOrDefault(prefix.Address!);
        // A best path that is kept from the router has no substitute.
        if (best is null || engine.IsKeptFrom(Address, best))
        {
            if (_best.Remove(prefix.Address!)) Send(prefix.Address!, 0, null);
            return;
        }

        if (sent == best) return;
        _best[prefix.Address!] = best;
        Send(prefix.Address!, 0, best.NextHop);
    }

    private void Send(IPAddress prefix, uint number, IPAddress? nextHop) => Deliver(() => router!.Update(this, prefix, number, nextHop));

    /// <summary>Messages of a session arrive in their order, or not at all.</summary>
    private void Deliver(Action arrive)
    {
        var wire = _wire;
        _lastArrival = Math.Max(_lastArrival, scheduler.Now + TimeSpan.FromMilliseconds(random.Next((int)LongestWay.TotalMilliseconds)).Ticks);
        scheduler.After(TimeSpan.FromTicks(_lastArrival - scheduler.Now), () =>
        {
            if (wire == _wire) arrive();
        });
    }
}
