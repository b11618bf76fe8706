using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Overlay;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>What one peer told: the routes that were taken, and what must be known about those that were not.</summary>
internal sealed class ImportPeer(BgpPeer peer)
{
    public BgpPeer Peer { get; set; } = peer;

    public Dictionary<(string Distinguisher, IPNetwork Prefix), ImportedRoute> Routes { get; } = [];

    /// <summary>Of <see cref="Routes"/>: told in a session that is over, and not again since.</summary>
    public HashSet<(string Distinguisher, IPNetwork Prefix)> Stale { get; } = [];

    /// <summary>When the session, or the engine, went.</summary>
    public long StaleSince { get; set; }

    /// <summary>
    /// Route targets of routes that were not taken because nobody imported any of them: only where one of these is imported later must
    /// the peer's routes be read again.
    /// </summary>
    public HashSet<RouteTarget> Elsewhere { get; } = [];

    /// <summary>More routes than may be taken; <see cref="Fewer"/>: something went since, look again.</summary>
    public bool Overflowing { get; set; }

    public bool Fewer { get; set; }

    /// <summary>What the engine has of it must be read, because events alone do not tell.</summary>
    public bool MustList { get; set; }

    public long LastHeard { get; set; }

    public long UpSince { get; set; }

    /// <summary>It asked for more than it did when the engine last sent it what it may have.</summary>
    public bool WantsMore { get; set; }

    public HashSet<RouteTarget> Wants { get; } = [];

    public bool WantsEverything { get; set; }
}
