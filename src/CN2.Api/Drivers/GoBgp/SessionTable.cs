using CN2.Network.Collections;
using CN2.Network.Resources;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>What the engine holds of each family for a peer. A session's advertised count is made of it, without asking the engine.</summary>
internal sealed class HeldCounts
{
    private readonly FamilyCount[] _counts = new FamilyCount[RouteFamilies.All.Length];

    /// <summary>Prefixes that the peer's limit keeps from it.</summary>
    public int Withheld { get; init; }

    public FamilyCount this[RouteFamily family]
    {
        get => _counts[(int)family];
        set => _counts[(int)family] = value;
    }
}

/// <summary>
/// The sessions, from the engine's peer events and its list of peers. Events of gobgpd 3.10 carry no reason for the end of a session: the
/// <see cref="BmpStation"/> has it, for sessions that were established. For others, and without a station,
/// <see cref="BgpSession.LastError"/> is derived from the state before and from the side that sent a NOTIFICATION. Thread-safe.
/// </summary>
internal sealed class SessionTable(TimeProvider time, bool listens) : ISessionEnds
{
    /// <summary>Who sent a NOTIFICATION, as the engine's counters say.</summary>
    private enum Closer
    {
        Nobody,
        Router,
        Here,
    }

    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(7);
    private static readonly TimeSpan LossWindow = TimeSpan.FromMinutes(1);

    private sealed class Entry
    {
        public required BgpPeer Peer { get; set; }
        public required bool External { get; set; }
        public Wire.PeerState.Types.SessionState State { get; set; } = Wire.PeerState.Types.SessionState.Idle;
        public DateTimeOffset Since { get; set; }

        /// <summary>The state of the last event of the stream that is open; null: it brought none yet. It may lag behind a list.</summary>
        public Wire.PeerState.Types.SessionState? Heard { get; set; }

        /// <summary>An event came after the last list was asked for, so that the list may be older.</summary>
        public bool HeardSinceList { get; set; }

        public bool WasUp { get; set; }

        /// <summary>When the present session, or else the last one, began, by the clock that never jumps.</summary>
        public long Began { get; set; }

        /// <summary>The last session that ended, until <see cref="TakeLoss"/>.</summary>
        public (long Began, long LostAt)? Loss { get; set; }
        public string[] Families { get; set; } = [];
        public string[] AddPathFamilies { get; set; } = [];

        /// <summary>The families that were offered in the last session and that the router did not speak.</summary>
        public string[] NotSpoken { get; set; } = [];
        public long Received { get; set; }
        public ulong NotificationsReceived { get; set; }
        public ulong NotificationsSent { get; set; }

        /// <summary>The counters of this session's beginning are known.</summary>
        public bool IsCounted { get; set; }

        public string? LastError { get; set; }

        /// <summary>Why this server itself ends the session; null: it does not.</summary>
        public string? Closing { get; set; }

        /// <summary>The last session is over, and nothing has been counted since.</summary>
        public bool MustCountEnd { get; set; }

        /// <summary>Who closed the last session; nobody: it was lost.</summary>
        public Closer ClosedBy { get; set; }

        /// <summary>What the station heard of the last session's end. It comes before or after the engine's event, so it is kept apart.</summary>
        public SessionEnd? End { get; set; }

        /// <summary>Why not all of its routes are imported.</summary>
        public string? ImportFault { get; set; }

        /// <summary>Why the engine is not given this peer.</summary>
        public string? Fault { get; set; }

        /// <summary>The same, for a while only: see <see cref="PeerTrials"/>.</summary>
        public string? LeftOut { get; set; }

        /// <summary>When the session was lost lately, at most <see cref="Limits.SessionLosses"/> times.</summary>
        public Queue<long> Losses { get; } = [];

        /// <summary>It was lost so often that its error says so.</summary>
        public bool IsRestless { get; set; }
    }

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _byName = [];
    private readonly Dictionary<string, Entry> _byAddress = [];

    /// <summary>In the order of their names: the loop lists the sessions in every round.</summary>
    private Entry[] _sorted = [];

    /// <summary>The sessions of an earlier run of this control node, until the peers are known.</summary>
    private IReadOnlyCollection<BgpSession> _earlier = [];
    private bool _engineAway = true;
    private bool _hears;

    /// <summary>Takes over what an earlier run knew of its sessions.</summary>
    public void Begin(IReadOnlyCollection<BgpSession> earlier)
    {
        lock (_lock) if (_sorted.Length == 0) _earlier = earlier;
    }

    /// <summary>Replaces the wanted peers. <paramref name="faults"/>, by name: why the engine is not given a peer.</summary>
    public void SetPeers(IReadOnlyCollection<BgpPeer> peers, IReadOnlyDictionary<string, string> faults, Func<BgpPeer, bool> isExternal)
    {
        lock (_lock)
        {
            var before = new Dictionary<string, Entry>(_byName);
            _byName.Clear();
            _byAddress.Clear();
            foreach (var peer in peers)
            {
                if (!before.TryGetValue(peer.Name, out var entry) || !entry.Peer.Address.Equals(peer.Address))
                {
                    entry = new() { Peer = peer, External = false, Since = time.GetUtcNow() };
                    if (_earlier.FirstOrDefault(s => s.Peer == peer.Name && s.Families.Count > 0) is { } last) entry.NotSpoken = [.. peer.AddressFamilies.Except(last.Families)];
                }
                if (entry.Peer.AutonomousSystem != peer.AutonomousSystem) (entry.LastError, entry.End) = (null, null);
                entry.Peer = peer;
                entry.External = isExternal(peer);
                entry.Fault = faults.GetValueOrDefault(peer.Name);
                _byName[peer.Name] = entry;
                if (entry.Fault is null) _byAddress[peer.Address.ToString()] = entry;
            }

            _sorted = [.. _byName.Values.OrderBy(e => e.Peer.Name, StringComparer.Ordinal)];
            _earlier = [];
        }
    }

    public bool IsEstablished(string address)
    {
        lock (_lock)
            return _byAddress.TryGetValue(address, out var entry) && entry.State == Wire.PeerState.Types.SessionState.Established;
    }

    /// <summary>The families that the router did not speak in the last session, of those that it was to speak then.</summary>
    public IReadOnlyCollection<string> NotSpoken(string address)
    {
        lock (_lock) return _byAddress.TryGetValue(address, out var entry) ? entry.NotSpoken : [];
    }

    /// <summary>A session gets only the best path of each prefix.</summary>
    public bool AnyWithoutAddPath()
    {
        lock (_lock) return _byName.Values.Any(e => e is { State: Wire.PeerState.Types.SessionState.Established, AddPathFamilies.Length: 0 });
    }

    /// <summary>The names of the peers that are not sent paths with these attributes.</summary>
    public IReadOnlyList<string> PeersKeptFrom(PathAttributes attributes)
    {
        lock (_lock) return [.. _byName.Where(e => attributes.IsKeptFrom(e.Value.External)).Select(e => e.Key)];
    }

    /// <summary>The addresses of the peers in session, of those that are so for this time at least.</summary>
    public IReadOnlyCollection<string> Established(TimeSpan atLeast)
    {
        lock (_lock) return [.. _byAddress.Where(p => p.Value.State == Wire.PeerState.Types.SessionState.Established && time.GetElapsedTime(p.Value.Began) >= atLeast).Select(p => p.Key)];
    }

    /// <summary>The peer was in session and is not now: when that session began. Else null.</summary>
    public long? LostBegan(string address)
    {
        lock (_lock)
            return _byAddress.TryGetValue(address, out var entry) && entry is { WasUp: true, State: not Wire.PeerState.Types.SessionState.Established } ? entry.Began : null;
    }

    /// <summary>
    /// When the last session began and was lost without a NOTIFICATION; null: it was not, who ended it is not known yet, or that was answered before.
    /// </summary>
    public (long Began, long LostAt)? TakeLoss(string address)
    {
        lock (_lock)
        {
            if (!_byAddress.TryGetValue(address, out var entry) || entry is not { MustCountEnd: false, Loss: { } loss }) return null;
            entry.Loss = null;
            return entry.ClosedBy == Closer.Nobody ? loss : null;
        }
    }

    /// <summary>This server is about to end the session, if it is up, for this reason; null: it could not. Until the next session that is its error.</summary>
    public void Closing(string address, string? reason)
    {
        lock (_lock)
            if (_byAddress.TryGetValue(address, out var entry)) entry.Closing = reason;
    }

    /// <summary>A new stream of events begins.</summary>
    public void BeginEvents()
    {
        lock (_lock)
            foreach (var entry in _byName.Values) entry.Heard = null;
    }

    /// <summary>
    /// An event; true when the state changed. Events and lists come on different ways, so the steps by which a session came up may be heard of after a
    /// list that has it already: only the stream that had the session up says that it was lost. Of the rest, the next list has the truth.
    /// </summary>
    public bool Observe(string address, Wire.PeerState.Types.SessionState state)
    {
        lock (_lock)
        {
            if (!_byAddress.TryGetValue(address, out var entry) || state == Wire.PeerState.Types.SessionState.Unknown) return false;
            var lags = entry.State == Wire.PeerState.Types.SessionState.Established && entry.Heard != Wire.PeerState.Types.SessionState.Established;
            (entry.Heard, entry.HeardSinceList) = (state, true);
            return !lags && Move(entry, state);
        }
    }

    /// <summary>The engine is about to be asked for the list of its peers.</summary>
    public void BeginList()
    {
        lock (_lock)
            foreach (var entry in _byName.Values) entry.HeardSinceList = false;
    }

    /// <summary>What the engine lists about a peer, if no event came since it was asked; true when something visible changed.</summary>
    public bool Observe(Wire.Peer peer)
    {
        lock (_lock)
        {
            if (peer.Conf is null || !_byAddress.TryGetValue(peer.Conf.NeighborAddress, out var entry) || entry.HeardSinceList) return false;
            var state = peer.State ?? new();
            var before = entry.State;
            var changed = Move(entry, state.SessionState);
            if (entry.State == Wire.PeerState.Types.SessionState.Established)
            {
                if (peer.Timers?.State?.Uptime is { } uptime)
                {
                    // The engine counts whole seconds; the time of the event is finer.
                    var since = uptime.ToDateTimeOffset();
                    if (!IsSame(since, entry.Since)) entry.Since = since;
                }
                var (families, addPath) = PeerCapabilities.Negotiated(peer);
                changed |= !families.SequenceEqual(entry.Families) || !addPath.SequenceEqual(entry.AddPathFamilies);
                (entry.Families, entry.AddPathFamilies) = (families, addPath);
                var spoken = PeerCapabilities.Spoken(peer);
                entry.NotSpoken = [.. entry.Peer.AddressFamilies.Where(f => !spoken.Contains(f))];
                var received = peer.AfiSafis.Sum(a => (long)(a.State?.Received ?? 0));
                changed |= received != entry.Received;
                entry.Received = received;
            }

            return CountNotifications(entry, state.Messages, wasUpBefore: peer.Timers?.State?.Uptime is not null) || changed || before != entry.State;
        }
    }

    /// <summary>Two times at which a session began, by the engine and by an event, are those of one session.</summary>
    public static bool IsSame(DateTimeOffset one, DateTimeOffset other) => (one - other).Duration() <= TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public void Hears(bool hears)
    {
        lock (_lock) _hears = hears;
    }

    /// <inheritdoc/>
    public bool Note(string address, SessionEnd? end)
    {
        lock (_lock)
        {
            if (!_byAddress.TryGetValue(address, out var entry)) return false;
            var before = SessionError(entry);
            entry.End = end;
            return entry.State != Wire.PeerState.Types.SessionState.Established && !entry.Peer.AdminDown && before != SessionError(entry);
        }
    }

    /// <summary>The engine refuses the peer; true when the error is a new one.</summary>
    public bool Refuse(string name, string reason)
    {
        lock (_lock)
        {
            var error = $"The BGP engine refuses this router: {ForeignText.Of(reason)}.";
            if (!_byName.TryGetValue(name, out var entry) || entry.LastError == error) return false;
            entry.LastError = error;
            return true;
        }
    }

    /// <summary>By name, the peers of which not everything is used, and why; true when something changed.</summary>
    public bool LimitImports(IReadOnlyDictionary<string, string> faults)
    {
        lock (_lock)
        {
            var changed = false;
            foreach (var entry in _byName.Values)
            {
                var fault = faults.GetValueOrDefault(entry.Peer.Name);
                changed |= fault != entry.ImportFault;
                entry.ImportFault = fault;
            }
            return changed;
        }
    }

    /// <summary>By address, why the engine is not given a peer for a while; true when something changed.</summary>
    public bool LeaveOut(Func<string, string?> faultOf)
    {
        lock (_lock)
        {
            var changed = false;
            foreach (var (address, entry) in _byAddress)
            {
                var fault = faultOf(address);
                changed |= fault != entry.LeftOut;
                entry.LeftOut = fault;
            }
            return changed;
        }
    }

    /// <summary>Finds the sessions that were lost too often within a minute, or no longer; true when something changed.</summary>
    public bool CountLosses()
    {
        lock (_lock)
        {
            var changed = false;
            foreach (var entry in _byName.Values)
            {
                while (entry.Losses.TryPeek(out var first) && time.GetElapsedTime(first) > LossWindow) entry.Losses.Dequeue();
                var isRestless = entry.Losses.Count >= Limits.SessionLosses;
                changed |= isRestless != entry.IsRestless;
                entry.IsRestless = isRestless;
            }
            return changed;
        }
    }

    /// <summary>True: the engine is away, so no session is up. False: it is back.</summary>
    public void EngineAway(bool away)
    {
        lock (_lock)
        {
            _engineAway = away;
            if (!away) return;
            foreach (var entry in _byName.Values)
            {
                // The engine may end before a list was read: a session that was lost before still counts, unless a NOTIFICATION is known to have ended it.
                var loss = entry.MustCountEnd || entry.ClosedBy == Closer.Nobody ? entry.Loss : null;
                Move(entry, Wire.PeerState.Types.SessionState.Idle);
                (entry.NotificationsReceived, entry.NotificationsSent) = (0, 0);
                (entry.LastError, entry.MustCountEnd, entry.ClosedBy, entry.End) = (null, false, Closer.Nobody, null);
                // The engine ended them.
                entry.Losses.Clear();
                (entry.Loss, entry.Heard, entry.Closing) = (loss, null, null);
                entry.IsRestless = false;
            }
        }
    }

    /// <param name="countsFor">What a peer gets: its address, whether it is external, and whether it negotiated route-target.</param>
    public IReadOnlyList<BgpSession> List(Func<System.Net.IPAddress, bool, bool, HeldCounts> countsFor)
    {
        lock (_lock)
        {
            return Array.ConvertAll(_sorted, e => Show(e, countsFor));
        }
    }

    private BgpSession Show(Entry entry, Func<System.Net.IPAddress, bool, bool, HeldCounts> countsFor)
    {
        var established = entry.State == Wire.PeerState.Types.SessionState.Established;
        long advertised = 0, prefixesWithheld = 0;
        var constrained = established && entry.Families.Contains("route-target");
        var withheld = constrained && (entry.Families.Contains("inet") || entry.Families.Contains("inet6"));
        if (established)
        {
            var held = countsFor(entry.Peer.Address, entry.External, constrained);
            prefixesWithheld = held.Withheld;
            foreach (var family in RouteFamilies.All)
            {
                var name = family.Name();
                if (entry.Families.Contains(name)) advertised += entry.AddPathFamilies.Contains(name) ? held[family].Paths : held[family].Prefixes;
            }
        }
        return new(
            entry.Peer.Name, StateName(entry.State), entry.Since, entry.Families.ToEquatableList(), entry.AddPathFamilies.Length > 0,
            advertised, established ? entry.Received : 0, Error(entry, withheld))
        { Withheld = prefixesWithheld };
    }

    private string? Error(Entry entry, bool withheld)
    {
        if (entry.Fault is not null) return entry.Fault;
        if (_engineAway) return "The BGP engine (gobgpd) does not answer: is it running at Bgp:GoBgp:Address?";
        if (withheld)
            return "The family route-target is negotiated, and the engine then sends this router no inet or inet6 route (none carries a route target): take it out of addressFamilies.";
        if (entry.Peer.AdminDown) return "adminDown is set.";
        if (entry.LeftOut is not null) return entry.LeftOut;
        var error = SessionError(entry);
        if (entry.IsRestless)
            return $"The session was lost {Limits.SessionLosses} times or more within a minute.{(error is null ? "" : " " + error)} Look for the cause at the router and on the way to it, or set adminDown.";
        var waits = entry.State is Wire.PeerState.Types.SessionState.Active or Wire.PeerState.Types.SessionState.Connect && time.GetUtcNow() - entry.Since > ConnectPatience;
        if (waits) return error is null ? NoConnection(entry.Peer) : $"{error} {NoConnection(entry.Peer)}";
        return error ?? entry.ImportFault;
    }

    /// <summary>
    /// What to check when the state machine waits for a connection. Of a wrong key nobody is told: the kernel of either side drops a segment that is
    /// not signed by its key (RFC 2385 §2.0), and the connection only times out.
    /// </summary>
    private string NoConnection(BgpPeer peer)
    {
        var key = peer.AuthKey is null
            ? "that it expects no TCP MD5 key, because authKey is not set"
            : "that its TCP MD5 key is this authKey: with different keys, or a key on one side only, both drop each other's packets and say nothing";
        return peer.Passive
            ? $"Passive, and {peer.Address} has opened no TCP connection{(listens ? "" : "; this control node does not listen")}: check that it connects to this control node's address, and {key}."
            : $"No TCP connection with {peer.Address} port {peer.Port}: check the address, that it is reachable and listens there, that it has this control node's address as a neighbour, and {key}.";
    }

    /// <summary>Why the session is down, as far as it is known.</summary>
    private static string? SessionError(Entry entry)
    {
        if (entry.State == Wire.PeerState.Types.SessionState.Established || !entry.WasUp) return entry.LastError;
        if (entry.Closing is not null) return entry.Closing;
        if (entry.End is { Notification: { } notification } end) return notification.Describe(end.ByRouter, entry.Peer);
        // gobgpd lets graceful restart cover the loss after a NOTIFICATION of its own only when the hold time ran out.
        return entry is { End.IsCovered: true, ClosedBy: Closer.Here } ? BgpNotification.HoldTimerExpired.Describe(byRouter: false, entry.Peer) : entry.LastError;
    }

    /// <summary>True when something visible changed. In a session nothing is counted but the beginning: a NOTIFICATION ends it.</summary>
    private static bool CountNotifications(Entry entry, Wire.Messages? messages, bool wasUpBefore)
    {
        var (got, sent) = (messages?.Received?.Notification ?? 0, messages?.Sent?.Notification ?? 0);
        var closedBy = got > entry.NotificationsReceived ? Closer.Router : sent > entry.NotificationsSent ? Closer.Here : Closer.Nobody;
        if (entry.State == Wire.PeerState.Types.SessionState.Established)
        {
            if (entry.IsCounted) return false;
            entry.IsCounted = true;
            // The session before came to its end and this one up before a list was read.
            if (entry.MustCountEnd) (entry.ClosedBy, entry.MustCountEnd) = (closedBy, false);
            closedBy = Closer.Nobody;
        }
        (entry.NotificationsReceived, entry.NotificationsSent) = (got, sent);
        var isOfSession = entry.MustCountEnd;
        if (entry.State != Wire.PeerState.Types.SessionState.Established) entry.MustCountEnd = false;
        if (closedBy == Closer.Nobody || entry.Peer.AdminDown) return false;
        if (isOfSession) entry.ClosedBy = closedBy;
        // The session that was closed for a change does not come back: now this is the reason.
        else if (entry.Closing is not null) (entry.Closing, entry.End) = (null, null);
        entry.LastError = (closedBy, isOfSession || (wasUpBefore && !entry.WasUp)) switch
        {
            (Closer.Router, true) => "The router closed the session with a NOTIFICATION: its log says why.",
            (Closer.Here, true) => "This control node closed the session with a NOTIFICATION: gobgpd's log says why.",
            (Closer.Router, false) =>
                "The router refused the session with a NOTIFICATION, most often Open Message Error, Bad Peer AS: which AS number does it expect of this control node? Its log says why.",
            _ => $"This control node refused the session with a NOTIFICATION, most often Open Message Error, Bad Peer AS: is the router's AS number {entry.Peer.AutonomousSystem}? gobgpd's log says why.",
        };
        return true;
    }

    private bool Move(Entry entry, Wire.PeerState.Types.SessionState state)
    {
        if (state == Wire.PeerState.Types.SessionState.Unknown || state == entry.State) return false;
        if (state == Wire.PeerState.Types.SessionState.Established)
        {
            (entry.LastError, entry.Closing) = (null, null);
            if (!entry.MustCountEnd) entry.ClosedBy = Closer.Nobody;
            entry.WasUp = true;
            entry.Began = time.GetTimestamp();
            // The station hears of the new session too, before it hears of its end; if it does not listen, what it heard before is old.
            if (!_hears) entry.End = null;
        }
        else if (entry.State == Wire.PeerState.Types.SessionState.Established)
        {
            (entry.LastError, entry.MustCountEnd) = ("The session was lost.", true);
            if (entry.Closing is null) entry.Losses.Enqueue(time.GetTimestamp());
            entry.Loss = (entry.Began, time.GetTimestamp());
            if (entry.Losses.Count > Limits.SessionLosses) entry.Losses.Dequeue();
            (entry.Families, entry.AddPathFamilies, entry.Received) = ([], [], 0);
        }
        entry.IsCounted = false;
        entry.Since = time.GetUtcNow();
        entry.State = state;
        return true;
    }

    private static string StateName(Wire.PeerState.Types.SessionState state) => state switch
    {
        Wire.PeerState.Types.SessionState.Connect => "Connect",
        Wire.PeerState.Types.SessionState.Active => "Active",
        Wire.PeerState.Types.SessionState.Opensent => "OpenSent",
        Wire.PeerState.Types.SessionState.Openconfirm => "OpenConfirm",
        Wire.PeerState.Types.SessionState.Established => "Established",
        _ => "Idle",
    };
}
