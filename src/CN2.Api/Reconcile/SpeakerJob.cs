using CN2.Api.Drivers;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.Network.Fencing;

namespace CN2.Api.Reconcile;

/// <summary>
/// One thing for the <see cref="SpeakerWorker"/> to do: a closed set, in the order in which waiting jobs are carried out. Imports come
/// before the routes, because the first answer about routes lets vRouters have their configuration, and imported routes are part of it.
/// Peers come after the routes, because a peer gets an End-of-RIB when it has the table (RFC 4724).
/// </summary>
internal abstract record SpeakerJob
{
    private SpeakerJob()
    {
    }

    /// <summary>The other replicas have changed: write the rows that they removed, let them read all rows, keep them informed from now on.</summary>
    public sealed record FollowReplicas(bool HasOthers, bool Introduce, bool RewriteRows) : SpeakerJob;

    /// <summary>The whole set of route targets whose routes are imported.</summary>
    public sealed record SetImports(IReadOnlyCollection<RouteTarget> Targets) : SpeakerJob;

    /// <summary>What may leave to routers at all. It comes before the routes, because the engine decides about a route when it sends it.</summary>
    public sealed record SetFence(ExportFence Fence) : SpeakerJob;

    /// <summary>
    /// The first set of routes after the start: everything else leaves the speaker. <see cref="Withdraw"/>: routes whose withdrawal must be
    /// confirmed.
    /// </summary>
    public sealed record ReplaceAll(IReadOnlyCollection<FloatingIPRoute> Announce, IReadOnlyCollection<FloatingIPRoute> Withdraw) : SpeakerJob;

    public sealed record ChangeRoutes(IReadOnlyCollection<FloatingIPRoute> Announce, IReadOnlyCollection<FloatingIPRoute> Withdraw) : SpeakerJob;

    /// <summary>The whole set of peers.</summary>
    public sealed record SetPeers(IReadOnlyCollection<BgpPeer> Peers) : SpeakerJob;

    /// <summary>The vRouters here have dropped the entries of these FloatingIPs: their announcement rows may go.</summary>
    public sealed record Release(IReadOnlyCollection<Guid> FloatingIPs) : SpeakerJob;

    /// <summary>Write the announcement rows that read differently since a withdrawal. The worker posts it to itself.</summary>
    public sealed record SaveRows : SpeakerJob;

    /// <summary>Limited routers began or ceased to get these paths, whose numbers may be others now.</summary>
    public sealed record Renumber(IReadOnlyCollection<BgpPath> Moved) : SpeakerJob;

    /// <summary>What is left of this job, which failed, when a newer one waits or was carried out; null: nothing.</summary>
    public SpeakerJob? Without(SpeakerJob newer) => (this, newer) switch
    {
        (FollowReplicas old, FollowReplicas now) => old with { HasOthers = now.HasOthers },
        (SetImports, SetImports) or (SetFence, SetFence) or (SetPeers, SetPeers) or (SaveRows, SaveRows) or (ReplaceAll, ReplaceAll) => null,
        (Release old, Release now) => old.FloatingIPs.Except(now.FloatingIPs).ToList() is { Count: > 0 } left ? new Release(left) : null,
        // Also what was announced since belongs to the whole set: the retry must not withdraw it.
        (ReplaceAll old, ChangeRoutes now) => RouteBatch.Of(old).Then(now).ToJob(),
        (ChangeRoutes old, ReplaceAll or ChangeRoutes) => RouteBatch.Of(old).Without(RouteBatch.Of(newer)).ToJob(),
        _ => this,
    };
}
