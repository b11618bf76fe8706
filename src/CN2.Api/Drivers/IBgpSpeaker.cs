using CN2.Network.Addressing;
using CN2.Network.Fencing;
using CN2.Network.Overlay;

namespace CN2.Api.Drivers;

/// <summary>
/// The BGP engine beside this replica. The caller sets the whole wanted set once and then sends changes. The speaker compares it with what
/// the engine really holds, and repairs differences by itself (the engine restarted empty, a path was deleted by hand). All methods are
/// repeatable.
/// </summary>
public interface IBgpSpeaker
{
    /// <summary>False: there is no engine, and no route is ever announced (<c>Bgp:Engine=none</c>, condition reason BgpDisabled).</summary>
    bool Enabled { get; }

    /// <summary>
    /// Tells what an earlier run of this control node may have announced. If the engine is found empty, routers may have kept these paths:
    /// they are withdrawn from them explicitly, except those that <see cref="SetPathsAsync"/> names. Call it before <see cref="StartAsync"/>.
    /// </summary>
    void Expect(IReadOnlyCollection<AnnouncedPath> paths)
    {
    }

    /// <summary>
    /// The numbers by which routers know these paths (RFC 7911): those that they have, or would get if they were announced next, in this
    /// order. 0: not known.
    /// </summary>
    IReadOnlyList<uint> PathIdentifiersOf(IReadOnlyCollection<BgpPathKey> paths) => new uint[paths.Count];

    /// <summary>
    /// Connects and reads what the engine already holds; from then on the speaker keeps the engine equal to what is wanted. Completes with the
    /// paths that were found (none in a new engine), which stay until <see cref="SetPathsAsync"/>. Adds no peer. Waits as long as the
    /// engine is away. Call it before the others.
    /// </summary>
    Task<IReadOnlyCollection<BgpPath>> StartAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Sets what may leave to routers at all, whatever is announced: the second fence around tenants. Call it before the first
    /// <see cref="SetPathsAsync"/>, and with a network before its paths. A path that the fence holds back stays in the wanted set; when a later fence admits
    /// it, routers get it. What a router has already stays until it is announced anew. While the engine is away the fence is remembered.
    /// </summary>
    Task SetFenceAsync(ExportFence fence, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Sets the whole wanted set: paths that are not named are withdrawn. Completes when the engine has taken it. Answers the paths that
    /// cannot be announced; they are left out of the set, and withdrawn if an earlier version of them is announced. It also answers all paths
    /// that are not wanted and that a router may still have. All others are carried out.
    /// </summary>
    /// <exception cref="BgpEngineException">The engine is away. The set is remembered and applied when it is back; repeat the call to have
    /// it confirmed.</exception>
    Task<IReadOnlyList<RefusedPath>> SetPathsAsync(IReadOnlyCollection<BgpPath> paths, CancellationToken cancellationToken);

    /// <summary>
    /// Changes the wanted set, in one stream, additions first. Completes when the engine has taken it: withdrawn paths are gone, except
    /// those that are answered (<see cref="RefusedPath.IsWithdrawal"/>); repeat the call to have them confirmed. Answers the paths that
    /// cannot be announced, as <see cref="SetPathsAsync"/> does. A path that is both added and removed stays.
    /// </summary>
    /// <exception cref="BgpEngineException">As with <see cref="SetPathsAsync"/>.</exception>
    Task<IReadOnlyList<RefusedPath>> ChangePathsAsync(
        IReadOnlyCollection<BgpPath> add, IReadOnlyCollection<BgpPathKey> remove, CancellationToken cancellationToken);

    /// <summary>
    /// Sets the whole wanted set of peers. The first call must come after <see cref="SetPathsAsync"/>, so that no router sees a withdrawal. A
    /// peer that the engine cannot be given has a session whose error says why. While the engine is away the peers are remembered.
    /// </summary>
    Task SetPeersAsync(IReadOnlyCollection<BgpPeer> peers, CancellationToken cancellationToken);

    /// <summary>
    /// Tells which peers the first <see cref="SetPeersAsync"/> will set: <see cref="SetPathsAsync"/> already withholds what a peer does not take
    /// (<see cref="BgpPeer.MaxAdvertised"/>) when the engine kept its sessions over a restart of this server.
    /// </summary>
    void ExpectPeers(IReadOnlyCollection<BgpPeer> peers)
    {
    }

    /// <summary>The names of the peers from which a path is withheld because they take a limited number of prefixes. May be called from any thread.</summary>
    IReadOnlyList<string> WithheldFrom(BgpPathKey path) => [];

    /// <summary>The fence holds a path back, from all peers. May be called from any thread.</summary>
    bool IsHeldBack(BgpPathKey path) => false;

    /// <summary>The names of the peers that are not sent a path because of its communities (RFC 1997, well-known communities) or of the fence. May be called from any thread.</summary>
    IReadOnlyList<string> KeptFrom(BgpPathKey path) => [];

    /// <summary>
    /// The engine holds this path to be the best of its prefix: a peer without ADD-PATH gets it alone. May be called from any thread; a change is
    /// among what <see cref="TakeMoved"/> answers.
    /// </summary>
    bool IsBest(BgpPathKey path) => true;

    /// <summary>
    /// The paths that were announced already and that reach other peers than before the last call, because a peer takes a limited number of
    /// prefixes. Their numbers (<see cref="PathIdentifiersOf"/>) may be others. <see cref="Changed"/> is raised when there is something to take.
    /// </summary>
    IReadOnlyCollection<BgpPath> TakeMoved() => [];

    /// <summary>
    /// Sets the whole set of import route targets: VPN routes with one of them are learned from peers. They never enter the table that is
    /// announced. Peers that negotiate <c>route-target</c> are asked for exactly these (RFC 4684). While the engine is away the targets are
    /// remembered.
    /// </summary>
    /// <exception cref="ArgumentException">A route target cannot be encoded; nothing was changed.</exception>
    Task SetImportAsync(IReadOnlyCollection<RouteTarget> routeTargets, CancellationToken cancellationToken);

    /// <summary>
    /// The imported routes that were added, changed or lost since the last call; the first call answers all. Routes of a peer that is away stay
    /// for its graceful-restart time. <see cref="Changed"/> is raised when there is something to take.
    /// </summary>
    IReadOnlyCollection<ImportedRouteChange> TakeImported();

    /// <summary>All sessions now.</summary>
    IReadOnlyList<BgpSession> Sessions { get; }

    /// <summary>Raised on any thread when <see cref="Sessions"/>, <see cref="Healthy"/> or the imported routes changed. A handler may only set a flag.</summary>
    event Action? Changed;

    /// <summary>The engine answers and holds what is wanted. False: sessions may be lost; paths and peers are restored when the engine is back.</summary>
    bool Healthy { get; }

    /// <summary>Counters since the start, for /metrics and the change-cost benchmark.</summary>
    BgpSpeakerCounters Counters { get; }
}
