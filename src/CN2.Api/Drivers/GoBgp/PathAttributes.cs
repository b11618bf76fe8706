using CN2.Network.Collections;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// What a path carries besides its next hop (contract §4): LOCAL_PREF, MED, communities in canonical order; ORIGIN is always
/// incomplete. Value equality. Few distinct ones exist (one per network), so the speaker shares instances, each already encoded.
/// </summary>
internal sealed record PathAttributes(
    uint LocalPreference, uint Med, EquatableList<uint> Communities, EquatableList<LargeCommunityValue> LargeCommunities)
{
    /// <summary>RFC 4271 §4.3.</summary>
    public const uint OriginIncomplete = 2;

    private Any[]? _encoded;

    /// <summary>All attributes but the next hop, as the engine takes them.</summary>
    public IReadOnlyList<Any> Encoded => _encoded ??= Encode();

    /// <summary>A well-known community that keeps a path from some peers; gobgpd needs a withdraw to take back what it has sent.</summary>
    public bool IsRestricted =>
        Communities.Any(c => c is BgpCommunity.NoExport or BgpCommunity.NoAdvertise or BgpCommunity.NoExportSubconfed);

    public bool IsKeptFrom(bool external) =>
        Communities.Any(c => c == BgpCommunity.NoAdvertise || (external && c is BgpCommunity.NoExport or BgpCommunity.NoExportSubconfed));

    public bool Equals(PathAttributes? other) =>
        other is not null && LocalPreference == other.LocalPreference && Med == other.Med
        && Communities.Equals(other.Communities) && LargeCommunities.Equals(other.LargeCommunities);

    public override int GetHashCode() => HashCode.Combine(LocalPreference, Med, Communities, LargeCommunities);

    private Any[] Encode()
    {
        var attributes = new List<Any>
        {
            Pack(new Wire.OriginAttribute { Origin = OriginIncomplete }),
            Pack(new Wire.MultiExitDiscAttribute { Med = Med }),
            Pack(new Wire.LocalPrefAttribute { LocalPref = LocalPreference }),
        };
        if (Communities.Count > 0) attributes.Add(Pack(new Wire.CommunitiesAttribute { Communities = { Communities } }));
        if (LargeCommunities.Count > 0)
            attributes.Add(Pack(new Wire.LargeCommunitiesAttribute
            {
                Communities =
                {
                    LargeCommunities.Select(c => new Wire.LargeCommunity
                    {
                        GlobalAdmin = c.GlobalAdmin, LocalData1 = c.Data1, LocalData2 = c.Data2,
                    }),
                },
            }));
        return [.. attributes];
    }

    internal static Any Pack(IMessage message) => Any.Pack(message, "type.googleapis.com");
}
