using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.Network.Overlay;

namespace CN2.Api.Drivers;

/// <summary>
/// A host route to a FloatingIP through one vRouter: unicast in the underlay, or (<see cref="Vpn"/>) a VPN route in the overlay. Value
/// equality; <see cref="Key"/> is its identity in the speaker, the rest are attributes that may change in place.
/// </summary>
public sealed record BgpPath(
    IPAddress Prefix,
    IPAddress NextHop,
    uint LocalPreference,
    uint Med,
    EquatableList<BgpCommunity> Communities,
    EquatableList<LargeCommunity> LargeCommunities,
    BgpVpn? Vpn = null)
{
    public BgpPathKey Key => new(Prefix, new RouteKey(NextHop, Vpn?.RouteDistinguisher.Number ?? 0));
}

/// <summary>Prefix, next hop and RoutingInstance; in the overlay the last two are the route distinguisher.</summary>
public readonly record struct BgpPathKey(IPAddress Prefix, RouteKey Path);

/// <summary>
/// What a VPN route has besides (contract §4): its route distinguisher, the label its vRouter has acknowledged, the route targets. The
/// encapsulation communities GRE and MPLS-in-UDP go with every one.
/// </summary>
public sealed record BgpVpn(RouteDistinguisher RouteDistinguisher, uint Label, EquatableList<RouteTarget> RouteTargets);

/// <summary>What a BgpRouter resource asks of the speaker. Value equality: an equal one disturbs no session.</summary>
public sealed record BgpPeer(
    string Name,
    IPAddress Address,
    uint AutonomousSystem,
    ushort Port,
    EquatableList<string> AddressFamilies,
    int HoldTime,
    string? AuthKey,
    int? MultihopTtl,
    bool Passive,
    bool AddPath,
    bool AdminDown,
    bool GracefulRestart,
    int RestartTime);

/// <summary>A session as the speaker sees it (contract §3, BgpRouter status).</summary>
public sealed record BgpSession(
    string Peer,
    string State,
    DateTimeOffset Since,
    EquatableList<string> Families,
    bool AddPath,
    long Advertised,
    long Received,
    string? LastError)
{
    public bool IsEstablished => State == "Established";
}

/// <summary>
/// The BGP engine beside this replica. It is told the whole set and then changes; it compares with what the engine really holds and
/// repairs what differs, without being asked (engine restarted empty, a path deleted by hand). All methods are repeatable.
/// </summary>
public interface IBgpSpeaker
{
    /// <summary>The engine can take routes; <c>none</c> never can (condition reason BgpDisabled).</summary>
    bool Enabled { get; }

    /// <summary>
    /// Connects, learns what the engine already holds, and from then on keeps it equal to what it is told. Completes with the paths
    /// found there (empty for a fresh engine); they stay until <see cref="SetPathsAsync"/>. Does not add peers yet. Waits as long as the
    /// engine is away.
    /// </summary>
    Task<IReadOnlyCollection<BgpPath>> StartAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Sets the whole wanted set: paths that are not named are withdrawn. Completes when the engine has taken it. Answers the paths that
    /// cannot be announced; they are left out of the set, and withdrawn if an earlier version of them is announced. All others are carried out.
    /// </summary>
    /// <exception cref="BgpEngineException">Transient: the engine is away. The set is remembered and applied when it is back; repeat the
    /// call to have it confirmed. Not transient: the engine refuses a withdrawal; everything else was carried out.</exception>
    Task<IReadOnlyList<RefusedPath>> SetPathsAsync(IReadOnlyCollection<BgpPath> paths, CancellationToken cancellationToken);

    /// <summary>
    /// Changes the wanted set, in one stream, additions first. Completes when the engine has taken it: withdrawn paths are gone. Answers the
    /// paths that cannot be announced, as <see cref="SetPathsAsync"/> does. A path that is both added and removed stays.
    /// </summary>
    /// <exception cref="BgpEngineException">As with <see cref="SetPathsAsync"/>.</exception>
    Task<IReadOnlyList<RefusedPath>> ChangePathsAsync(
        IReadOnlyCollection<BgpPath> add, IReadOnlyCollection<BgpPathKey> remove, CancellationToken cancellationToken);

    /// <summary>The whole wanted set of peers; those added first time after <see cref="SetPathsAsync"/>, so that no router sees a withdrawal.
    /// Does not throw while the engine is away. A peer that cannot be is a session whose error says why.</summary>
    Task SetPeersAsync(IReadOnlyCollection<BgpPeer> peers, CancellationToken cancellationToken);

    /// <summary>
    /// The whole set of route targets whose VPN routes are to be learned from peers. They are kept beside, never in the table that is
    /// announced; peers that negotiate <c>route-target</c> are asked for just these (RFC 4684). Does not throw while the engine is away.
    /// </summary>
    Task SetImportAsync(IReadOnlyCollection<RouteTarget> routeTargets, CancellationToken cancellationToken);

    /// <summary>
    /// What was learned, changed or lost since the last call; the first one tells all. Routes of a peer that is away stay for its
    /// graceful-restart time. <see cref="Changed"/> is raised when there is something.
    /// </summary>
    IReadOnlyCollection<ImportedRouteChange> TakeImported();

    /// <summary>All sessions now.</summary>
    IReadOnlyList<BgpSession> Sessions { get; }

    /// <summary>Raised when <see cref="Sessions"/> or the health of the engine changed. Handlers only set a flag.</summary>
    event Action? Changed;

    /// <summary>The engine answers. False: routers may lose their sessions; paths and peers come back by themselves.</summary>
    bool Healthy { get; }

    /// <summary>Counters for /metrics and the change-cost benchmark.</summary>
    BgpSpeakerCounters Counters { get; }
}

public sealed record BgpSpeakerCounters(long PathsAdded, long PathsWithdrawn, long Repairs, long EngineRestarts);
