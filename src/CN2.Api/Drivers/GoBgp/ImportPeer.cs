using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Overlay;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>The state of one peer: the routes that were imported, and what must be known about the others.</summary>
internal sealed class ImportPeer(BgpPeer peer)
{
    public BgpPeer Peer { get; set; } = peer;

    public Dictionary<(string Distinguisher, IPNetwork Prefix), ImportedRoute> Routes { get; } = [];

    /// <summary>Those of <see cref="Routes"/> that the peer sent in an earlier session and not again since.</summary>
    public HashSet<(string Distinguisher, IPNetwork Prefix)> Stale { get; } = [];

    /// <summary>When the session or the engine was lost.</summary>
    public long StaleSince { get; set; }

    /// <summary>
    /// Route targets of routes that were not imported because none of their targets was. The peer's routes are read again only when one of
    /// these is imported later.
    /// </summary>
    public HashSet<RouteTarget> SkippedTargets { get; } = [];

    /// <summary>There were more of them than are kept: the routes are read again with every new import target.</summary>
    public bool SkippedMore { get; set; }

    /// <summary>The keys of <see cref="Routes"/> by next hop.</summary>
    public Dictionary<IPAddress, HashSet<(string Distinguisher, IPNetwork Prefix)>> NextHops { get; } = [];

    /// <summary>How many of <see cref="Routes"/> lead to a prefix with a route target. A RoutingInstance uses a limited number of them.</summary>
    public Dictionary<(IPNetwork Prefix, RouteTarget Target), int> Paths { get; } = [];

    /// <summary>How many of <see cref="Paths"/> are over the limit.</summary>
    public int OverPaths { get; set; }

    /// <summary>The limit of next hops was hit, and this router sent the most: routes by some next hops were not imported.</summary>
    public bool OverNextHops { get; set; }

    /// <summary>The import limit was hit, so some routes were not imported.</summary>
    public bool Overflowing { get; set; }

    /// <summary>Some routes were not imported for want of room.</summary>
    public bool LacksRoom => Overflowing || OverNextHops;

    /// <summary>A route has left since then, so there may be room: read the peer's routes again.</summary>
    public bool ShrunkSinceOverflow { get; set; }

    /// <summary>The peer's routes must be read from the engine, because events alone do not say what it sent.</summary>
    public bool MustList { get; set; }

    public long LastHeard { get; set; }

    public long UpSince { get; set; }

    /// <summary>It has asked for more since the engine last sent it its routes.</summary>
    public bool WantsMore { get; set; }

    /// <summary>When the engine last sent it everything that it had asked for.</summary>
    public long? SentAt { get; set; }

    /// <summary>The route targets that it asks for, each with the ASes that do.</summary>
    public Dictionary<RouteTarget, HashSet<uint>> Wants { get; } = [];

    /// <summary>It asked for more than are kept in <see cref="Wants"/>.</summary>
    public bool OverWants { get; set; }

    public bool WantsEverything { get; set; }
}
