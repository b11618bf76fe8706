using System.Net;
using System.Net.Sockets;
using CN2.Api.Options;
using CN2.Network.Addressing;
using CN2.Network.Collections;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>How the engine must be given a changed peer.</summary>
internal enum PeerDifference
{
    None,

    /// <summary>Only timers differ: the session stays up, and the next one negotiates them. UpdatePeer would take ADD-PATH from that one.</summary>
    Timers,

    /// <summary>UpdatePeer sees the difference and opens a new session.</summary>
    Session,

    /// <summary>UpdatePeer of gobgpd 3.10 does not compare it (multihop TTL, long-lived stale time), so the peer is deleted and added again.</summary>
    Replace,
}

/// <summary>Converts <see cref="BgpPeer"/> to the engine's peers and compares them.</summary>
internal sealed class PeerMapper(BgpOptions options)
{
    /// <summary>Seconds that a restarted engine waits for the routers' End-of-RIB. With its default of 360, one dead peer holds back every update.</summary>
    public const uint DeferralTime = 3;

    /// <summary>Seconds between connection attempts; the engine's default is 120.</summary>
    private const ulong ConnectRetry = 10;

    /// <summary>gobgpd 3.10 only looks whether it is greater than zero.</summary>
    private const uint SendMax = 64;

    private static readonly Dictionary<string, (uint Afi, uint Safi)> Families = new()
    {
        ["inet"] = (1, 1),
        ["inet6"] = (2, 1),
        ["inet-vpn"] = (1, 128),
        ["inet6-vpn"] = (2, 128),
        ["route-target"] = (1, 132),
    };

    private static readonly Dictionary<(uint Afi, uint Safi), string> FamilyNames = Families.ToDictionary(f => f.Value, f => f.Key);

    public static string? FamilyName(Wire.Family? family) =>
        family is null ? null : FamilyNames.GetValueOrDefault((family.Afi, family.Safi));

    /// <summary>A sentence for the user when the engine cannot be given this peer; null when it can.</summary>
    public string? Fault(BgpPeer peer)
    {
        if (peer.IsUnreadable && peer.AutonomousSystem == 0)
            return peer.UnreadableBecause ?? "What is stored for this router cannot be read by this version, and the BGP engine does not have it, so it gets no session: upgrade all control nodes, or delete the BgpRouter and create it anew.";
        if (HostAddress.FaultOf(peer.Address) is { } addressFault) return $"address: {addressFault}";
        if (AutonomousSystem.FaultOf(peer.AutonomousSystem) is { } numberFault) return $"autonomousSystem: {numberFault}";
        if (peer.Port == 0) return "port must be 1 to 65535.";
        if (peer.HoldTime is < 3 or > 65535) return $"holdTime {peer.HoldTime} must be 3 to 65535.";
        if (peer.MultihopTtl is not (null or (>= 1 and <= 255))) return $"multihopTtl {peer.MultihopTtl} must be 1 to 255.";
        if (peer.GracefulRestart && peer.RestartTime is < 0 or > BgpPeer.LongestRestartTime) return $"gracefulRestart.restartTime {peer.RestartTime} must be 0 to {BgpPeer.LongestRestartTime}.";
        if (peer.AuthKey is { Length: > 80 }) return "authKey is longer than the 80 bytes TCP MD5 takes.";
        if (peer.AddressFamilies.Count == 0) return "addressFamilies is empty.";
        if (peer.AddressFamilies.FirstOrDefault(f => !Families.ContainsKey(f)) is { } unknown) return $"addressFamilies: \"{unknown}\" is unknown.";
        if (peer.LongLivedStaleTime is < 0 or > BgpPeer.LongestStaleTime) return $"gracefulRestart.longLivedStaleTime {peer.LongLivedStaleTime} must be 0 to {BgpPeer.LongestStaleTime}.";
        if (peer.MaxAdvertised is < 1) return $"maxAdvertised {peer.MaxAdvertised} must be at least 1.";
        if (peer.Passive && options.ListenPort < 0) return "passive, but this control node does not listen (Bgp:ListenPort is -1): no side would connect.";
        return null;
    }

    public bool IsExternal(BgpPeer peer) => peer.AutonomousSystem != options.AutonomousSystem;

    /// <summary>
    /// The engine's form of the peer. All fields that AddPeer would fill in are set: otherwise UpdatePeer sees a difference and resets the
    /// session. <paramref name="restarting"/>: the engine was empty, and the router still forwards by the old routes (RFC 4724 §4.1).
    /// </summary>
    public Wire.Peer Encode(BgpPeer peer, bool restarting)
    {
        var holdTime = (ulong)peer.HoldTime;
        var isLongLived = peer is { GracefulRestart: true, LongLivedStaleTime: > 0 };
        var wire = new Wire.Peer
        {
            Conf = new()
            {
                NeighborAddress = peer.Address.ToString(),
                PeerAsn = peer.AutonomousSystem,
                LocalAsn = options.AutonomousSystem,
                Type = IsExternal(peer) ? Wire.PeerType.External : Wire.PeerType.Internal,
                AuthPassword = peer.AuthKey ?? "",
                AdminDown = peer.AdminDown,
            },
            Timers = new() { Config = new() { ConnectRetry = ConnectRetry, HoldTime = holdTime, KeepaliveInterval = holdTime / 3 } },
            Transport = new() { LocalAddress = LocalAddress(peer.Address), PassiveMode = peer.Passive, RemotePort = peer.Port },
            EbgpMultihop = new() { Enabled = peer.MultihopTtl is not null, MultihopTtl = (uint)(peer.MultihopTtl ?? 0) },
            // Only notification_enabled (RFC 8538) lets a router keep routes when the hold time runs out. With it, FRR also keeps the routes of a
            // deleted peer, so such a peer is taken away in two steps (PeerSync).
            GracefulRestart = peer.GracefulRestart
                ? new()
                {
                    Enabled = true,
                    RestartTime = (uint)peer.RestartTime,
                    DeferralTime = DeferralTime,
                    LocalRestarting = restarting,
                    NotificationEnabled = isLongLived,
                    LonglivedEnabled = isLongLived,
                }
                : new(),
        };
        foreach (var family in peer.AddressFamilies.Distinct())
        {
            var (afi, safi) = Families[family];
            wire.AfiSafis.Add(new Wire.AfiSafi
            {
                Config = new() { Family = new() { Afi = afi, Safi = safi }, Enabled = true },
                MpGracefulRestart = new() { Config = new() { Enabled = peer.GracefulRestart } },
                LongLivedGracefulRestart = isLongLived && family != "route-target"
                    ? new() { Config = new() { Enabled = true, RestartTime = (uint)peer.LongLivedStaleTime } }
                    : new() { Config = new() },
                // Wait for the peer's route target memberships or this timeout; otherwise gobgpd sends an End-of-RIB before any route.
                RouteTargetMembership = new() { Config = new() { DeferralTime = family == "route-target" ? DeferralTime : 0 } },
                AddPaths = new() { Config = new() { SendMax = peer.AddPath && family != "route-target" ? SendMax : 0 } },
            });
        }
        return wire;
    }

    /// <summary>An unreadable peer with the values that the engine has: the reverse of <see cref="Encode"/>.</summary>
    public static BgpPeer Decode(BgpPeer unreadable, Wire.Peer actual) => unreadable with
    {
        AutonomousSystem = actual.Conf.PeerAsn,
        Port = (ushort)(actual.Transport?.RemotePort is > 0 and var port ? port : 179),
        AddressFamilies = actual.AfiSafis.Select(a => FamilyName(a.Config?.Family)).OfType<string>().ToEquatableList(),
        HoldTime = (int)(actual.Timers?.Config?.HoldTime ?? 0),
        AuthKey = actual.Conf.AuthPassword is { Length: > 0 } key ? key : null,
        MultihopTtl = Multihop(actual) is > 0 and var ttl ? (int)ttl : null,
        Passive = actual.Transport?.PassiveMode == true,
        AddPath = SendsSeveral(actual),
        AdminDown = actual.Conf.AdminDown,
        GracefulRestart = actual.GracefulRestart is { Enabled: true },
        RestartTime = (int)(actual.GracefulRestart?.RestartTime ?? 0),
        LongLivedStaleTime = (int)StaleTimes(actual).Select(s => s.Item3).DefaultIfEmpty().Max(),
    };

    public static PeerDifference Compare(Wire.Peer wanted, Wire.Peer actual)
    {
        if (!SessionOf(wanted).Equals(SessionOf(actual))) return PeerDifference.Session;
        if (Multihop(wanted) != Multihop(actual) || !StaleTimes(wanted).SequenceEqual(StaleTimes(actual))) return PeerDifference.Replace;
        var (w, a) = (wanted.Timers?.Config, actual.Timers?.Config);
        return w?.HoldTime == a?.HoldTime && w?.KeepaliveInterval == a?.KeepaliveInterval && w?.ConnectRetry == a?.ConnectRetry
            ? PeerDifference.None
            : PeerDifference.Timers;
    }

    /// <summary>The source address of the connection: the listening address of that family if there is one alone, else the host's routes choose it.</summary>
    private string LocalAddress(IPAddress peer)
    {
        var any = peer.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;
        var own = options.ListenAddresses.Where(a => a.AddressFamily == peer.AddressFamily).ToList();
        return (own.Count == 1 ? own[0] : any).ToString();
    }

    /// <summary>ADD-PATH is offered (RFC 7911).</summary>
    public static bool SendsSeveral(Wire.Peer peer) => peer.AfiSafis.Any(a => a.AddPaths?.Config?.SendMax > 0);

    private static IEnumerable<(uint, uint, uint)> StaleTimes(Wire.Peer peer) => peer.AfiSafis
        .Select(a => (a.Config.Family.Afi, a.Config.Family.Safi, a.LongLivedGracefulRestart?.Config is { Enabled: true } llgr ? llgr.RestartTime : 0)).Order();

    private static uint Multihop(Wire.Peer peer) => peer.EbgpMultihop is { Enabled: true } m ? m.MultihopTtl : 0;

    // The local address is left out: the engine lists that of the session, not the configured one. The deferral time only matters when the
    // peer is added.
    private static (uint, uint, string, bool, bool, uint, bool, uint, bool, EquatableList<(uint, uint, bool, bool)>) SessionOf(Wire.Peer peer)
    {
        var restart = peer.GracefulRestart is { Enabled: true } gr ? gr : new();
        return (
            peer.Conf.PeerAsn, peer.Conf.LocalAsn, peer.Conf.AuthPassword, peer.Conf.AdminDown, peer.Transport?.PassiveMode ?? false,
            peer.Transport?.RemotePort ?? 0, restart.Enabled, restart.RestartTime, restart.NotificationEnabled,
            peer.AfiSafis
                .Select(a => (a.Config.Family.Afi, a.Config.Family.Safi, a.AddPaths?.Config?.SendMax > 0, a.MpGracefulRestart?.Config?.Enabled ?? false))
                .Order().ToEquatableList());
    }
}
