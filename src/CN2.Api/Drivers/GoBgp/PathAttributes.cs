using CN2.Network.Addressing;
using CN2.Network.Collections;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>The attributes of a VPN route alone: the label of its RoutingInstance, and the export route targets in canonical order.</summary>
internal sealed record VpnAttributes(uint Label, EquatableList<RouteTarget> RouteTargets);

/// <summary>
/// The attributes of a path without its next hop (docs/contract.md §4): LOCAL_PREF, MED, communities in canonical order, link bandwidth. ORIGIN is always
/// incomplete. Value equality. There are few distinct ones (one per network, or per network and weight), so instances are shared, each already encoded.
/// </summary>
internal sealed record PathAttributes(
    uint LocalPreference, uint Med, EquatableList<BgpCommunity> Communities, EquatableList<LargeCommunity> LargeCommunities, VpnAttributes? Vpn = null)
{
    /// <summary>The markers of the routers from which the path is withheld (<see cref="LimitedPeer"/>), in canonical order.</summary>
    public EquatableList<LargeCommunity> Markers { get; private init; } = [];

    /// <summary>Null: the path carries none.</summary>
    public LinkBandwidth? Bandwidth { get; init; }

    /// <summary>Tunnel types of every VPN route (RFC 9012, RFC 7510): GRE and MPLS-in-UDP.</summary>
    public static readonly ushort[] Encapsulations = [2, 13];

    /// <summary>RFC 4271 §4.3.</summary>
    public const uint OriginIncomplete = 2;

    private Any[]? _encoded;

    /// <summary>All attributes but the next hop, as the engine reads them.</summary>
    public IReadOnlyList<Any> Encoded => _encoded ??= Encode();

    /// <summary>It has a well-known community that keeps it from some peers. gobgpd takes back what it has sent only after a withdrawal.</summary>
    public bool IsRestricted => AreRestricting(Communities);

    /// <inheritdoc cref="IsRestricted"/>
    public static bool AreRestricting(EquatableList<BgpCommunity> communities) => communities.Any(IsRestricting);

    /// <summary>The same, as a path that a router prefers to no other one and forwards by only when it has no other.</summary>
    public PathAttributes AsWorst() => new(0, uint.MaxValue, Communities, LargeCommunities, Vpn) { Markers = Markers, Bandwidth = Bandwidth };

    /// <summary>The same without what an engine may refuse. Communities that keep the path from some peers stay.</summary>
    public PathAttributes AsPlain() => new(0, uint.MaxValue, [.. Communities.Where(IsRestricting)], [], Vpn) { Markers = Markers };

    public PathAttributes With(EquatableList<LargeCommunity> markers) => new(LocalPreference, Med, Communities, LargeCommunities, Vpn) { Markers = markers, Bandwidth = Bandwidth };

    public bool IsKeptFrom(bool external) => external ? IsRestricted : Communities.Contains(BgpCommunity.NoAdvertise);

    /// <summary>Some peers get a path with these attributes no more.</summary>
    public bool ReachesFewerThan(PathAttributes before) =>
        (IsKeptFrom(external: false) && !before.IsKeptFrom(external: false)) || (IsKeptFrom(external: true) && !before.IsKeptFrom(external: true));

    public bool Equals(PathAttributes? other) =>
        other is not null && LocalPreference == other.LocalPreference && Med == other.Med
        && Communities.Equals(other.Communities) && LargeCommunities.Equals(other.LargeCommunities) && Equals(Vpn, other.Vpn)
        && Markers.Equals(other.Markers) && Bandwidth == other.Bandwidth;

    public override int GetHashCode() => HashCode.Combine(LocalPreference, Med, Communities, LargeCommunities, Vpn, Markers, Bandwidth);

    private static bool IsRestricting(BgpCommunity community) =>
        community == BgpCommunity.NoAdvertise || community == BgpCommunity.NoExport || community == BgpCommunity.NoExportSubconfed;

    private Any[] Encode()
    {
        var attributes = new List<Any>
        {
            Pack(new Wire.OriginAttribute { Origin = OriginIncomplete }),
            Pack(new Wire.MultiExitDiscAttribute { Med = Med }),
            Pack(new Wire.LocalPrefAttribute { LocalPref = LocalPreference }),
        };
        if (Communities.Count > 0) attributes.Add(Pack(new Wire.CommunitiesAttribute { Communities = { Communities.Select(c => c.Value) } }));
        if (LargeCommunities.Count + Markers.Count > 0)
            attributes.Add(Pack(new Wire.LargeCommunitiesAttribute
            {
                Communities =
                {
                    LargeCommunities.Concat(Markers).Select(c => new Wire.LargeCommunity
                    {
                        GlobalAdmin = c.GlobalAdministrator, LocalData1 = c.LocalData1, LocalData2 = c.LocalData2,
                    }),
                },
            }));
        var extended = new List<Any>();
        if (Vpn is not null) extended.AddRange([.. Vpn.RouteTargets.Select(VpnCodec.Encode), .. Encapsulations.Select(type => Pack(new Wire.EncapExtended { TunnelType = type }))]);
        if (Bandwidth is { } bandwidth) extended.Add(bandwidth.Encode());
        if (extended.Count > 0) attributes.Add(Pack(new Wire.ExtendedCommunitiesAttribute { Communities = { extended } }));
        return [.. attributes];
    }

    internal static Any Pack(IMessage message) => Any.Pack(message, "type.googleapis.com");
}
