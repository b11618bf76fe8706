using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using CN2.Network.Addressing;
using CN2.Network.Collections;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>A local path that was found in the engine. <see cref="Attributes"/> null: it has attributes that are never sent. <see cref="Key"/> null: its key is one that is never used.</summary>
internal readonly record struct FoundPath(
    EngineRouteKey? Key, uint Identifier, IPAddress? NextHop, PathAttributes? Attributes, Wire.Path Path);

/// <summary>
/// Between <see cref="BgpPath"/> and the engine's messages. Shares one instance per next hop and per set of attributes; decoding is
/// thread-safe. gobgpd validates nothing, so <see cref="PathLimits"/> checks a path before it is mapped.
/// </summary>
/// <param name="autonomousSystem">Of the control node.</param>
internal sealed class PathMapper(uint autonomousSystem)
{
    /// <summary>From this many on, sharing begins anew: what is in use stays, and what nobody uses any more is forgotten.</summary>
    public const int MostShared = 16_384;

    private readonly ConcurrentDictionary<IPAddress, NextHop> _nextHops = [];
    private readonly ConcurrentDictionary<PathAttributes, PathAttributes> _attributes = [];
    private int _shared;
    private (EquatableList<BgpCommunity> Communities, EquatableList<LargeCommunity> Large, uint Preference, uint Med, int Weight, uint? Label, EquatableList<RouteTarget>? Targets, PathAttributes Attributes)? _last;

    /// <summary>What the engine is given for a path that has no <see cref="PathLimits.Fault(BgpPath)"/>.</summary>
    public (EngineRouteKey Key, NextHop NextHop, PathAttributes Attributes) Map(BgpPath path) =>
        (EngineRouteKey.From(path.Prefix, path.Vpn?.RouteDistinguisher), NextHopOf(path.NextHop), AttributesOf(path));

    public static Wire.Path Encode(PathChange change) =>
        change.IsWithdraw ? EncodeWithdraw(change.Key, change.Path) : EncodeAdd(change.Key, change.Path);

    public static Wire.Path EncodeWithdraw(Wire.Path found) =>
        new() { Nlri = found.Nlri, Family = found.Family, Identifier = found.Identifier, IsWithdraw = true };

    public static BgpPath ToBgpPath(EngineRouteKey key, HeldPath path) => new(
        key.Prefix.ToAddress(), path.NextHop.Address, path.Attributes.LocalPreference, path.Attributes.Med,
        path.Attributes.Communities, path.Attributes.LargeCommunities,
        path.Attributes.Vpn is { } vpn ? new(key.RouteDistinguisher, vpn.Label, vpn.RouteTargets) : null)
    {
        FloatingIP = path.FloatingIP,
        Weight = path.Attributes.Bandwidth?.Weight ?? 0,
    };

    /// <summary>Reads a path of the engine's table; null when it was learned from a peer or is a membership.</summary>
    public FoundPath? Decode(Wire.Path path)
    {
        if (!IsLocal(path) || RouteFamilies.RouteTarget.Equals(path.Family)) return null;

        var (key, label) = DecodeNlri(path.Nlri);
        uint origin = 0, preference = 0, med = 0;
        var (hasPreference, hasMed, foreign) = (false, false, false);
        IPAddress? nextHop = null;
        BgpCommunity[] communities = [];
        RouteTarget[]? targets = null;
        LinkBandwidth? bandwidth = null;
        LargeCommunity[] large = [];
        foreach (var any in path.Pattrs)
        {
            if (any.TryUnpack<Wire.OriginAttribute>(out var o)) origin = o.Origin;
            else if (any.TryUnpack<Wire.NextHopAttribute>(out var n)) nextHop = AddressOrNull(n.NextHop);
            else if (any.TryUnpack<Wire.MpReachNLRIAttribute>(out var mp)) nextHop = AddressOrNull(mp.NextHops.FirstOrDefault());
            else if (any.TryUnpack<Wire.MultiExitDiscAttribute>(out var m)) (med, hasMed) = (m.Med, true);
            else if (any.TryUnpack<Wire.LocalPrefAttribute>(out var l)) (preference, hasPreference) = (l.LocalPref, true);
            else if (any.TryUnpack<Wire.CommunitiesAttribute>(out var c)) communities = [.. c.Communities.Select(v => new BgpCommunity(v)).Order()];
            else if (any.TryUnpack<Wire.LargeCommunitiesAttribute>(out var lc))
                large = [.. lc.Communities.Select(v => new LargeCommunity(v.GlobalAdmin, v.LocalData1, v.LocalData2)).Order()];
            else if (any.TryUnpack<Wire.ExtendedCommunitiesAttribute>(out var extended)) foreign |= !TryDecode(extended, out targets, out bandwidth);
            else foreign = true;
        }

        if (label is not null) nextHop = nextHop?.Unmapped();
        var known = !foreign && hasMed && hasPreference && origin == PathAttributes.OriginIncomplete && label is null == targets is null;
        if (label is not null) known &= MplsLabel.IsUsable(label.Value) && key?.RouteDistinguisher.Administrator.Equals(nextHop) == true;
        return new(key, path.Identifier, nextHop, known
            ? Share(new PathAttributes(
                preference, med, communities.ToEquatableList(), large.Where(c => !LimitedPeer.IsMarker(c)).ToEquatableList(),
                targets is null ? null : new(label!.Value, targets.ToEquatableList()))
            {
                Bandwidth = bandwidth,
            }.With(large.Where(LimitedPeer.IsMarker).ToEquatableList()))
            : null, path);
    }

    /// <summary>A learned path has its neighbour's address; the engine prints an absent one as <c>&lt;nil&gt;</c>.</summary>
    public static bool IsLocal(Wire.Path path) => path.NeighborIp is "" or "<nil>";

    public NextHop NextHopOf(IPAddress address)
    {
        if (_nextHops.TryGetValue(address, out var known)) return known;
        MakeRoom();
        return _nextHops.GetOrAdd(address, a => new(a));
    }

    private static Wire.Path EncodeAdd(EngineRouteKey key, HeldPath path)
    {
        var wire = EncodeWithdraw(key, path);
        wire.IsWithdraw = false;
        wire.Pattrs.Capacity = 6;
        wire.Pattrs.Add(path.NextHop.Encoded);
        foreach (var attribute in path.Attributes.Encoded) wire.Pattrs.Add(attribute);
        return wire;
    }

    private static Wire.Path EncodeWithdraw(EngineRouteKey key, HeldPath path)
    {
        var (prefix, length) = (key.Prefix.ToAddress().ToString(), key.Prefix.IsIPv4 ? 32u : 128u);
        return new()
        {
            Nlri = path.Attributes.Vpn is { } vpn
                ? PathAttributes.Pack(new Wire.LabeledVPNIPAddressPrefix
                {
                    Prefix = prefix,
                    PrefixLen = length,
                    Rd = VpnCodec.Encode(key.RouteDistinguisher),
                    Labels = { vpn.Label },
                })
                : PathAttributes.Pack(new Wire.IPAddressPrefix { Prefix = prefix, PrefixLen = length }),
            Family = key.Family.ToWire(),
            Identifier = path.Identifier,
            IsWithdraw = true,
        };
    }

    /// <summary>A host route's key, and the label of a VPN route; no key for anything else.</summary>
    private static (EngineRouteKey? Key, uint? Label) DecodeNlri(Google.Protobuf.WellKnownTypes.Any? nlri)
    {
        if (nlri?.TryUnpack<Wire.IPAddressPrefix>(out var unicast) == true)
            return (HostOrNull(unicast.Prefix, unicast.PrefixLen) is { } host ? EngineRouteKey.From(host) : null, null);
        if (nlri?.TryUnpack<Wire.LabeledVPNIPAddressPrefix>(out var vpn) != true) return default;
        return HostOrNull(vpn.Prefix, vpn.PrefixLen) is { } address && VpnCodec.Decode(vpn.Rd) is { } distinguisher
            ? (EngineRouteKey.From(address, distinguisher), vpn.Labels is [var only] ? only : 0)
            : (null, 0);
    }

    private static IPAddress? HostOrNull(string text, uint length) =>
        IPAddress.TryParse(text, out var address) && length == (address.AddressFamily == AddressFamily.InterNetwork ? 32u : 128u) ? address : null;

    /// <summary>The route targets, null without VPN, and the link bandwidth; false when there is any other extended community than the two encapsulations.</summary>
    private static bool TryDecode(Wire.ExtendedCommunitiesAttribute extended, out RouteTarget[]? targets, out LinkBandwidth? bandwidth)
    {
        (targets, bandwidth) = (null, null);
        var found = new List<RouteTarget>(extended.Communities.Count);
        var encapsulations = new List<ushort>(2);
        foreach (var community in extended.Communities)
        {
            if (VpnCodec.TryDecode(community, out var target)) found.Add(target);
            else if (VpnCodec.TryDecodeEncapsulation(community, out var type)) encapsulations.Add(type);
            else if (bandwidth is null && LinkBandwidth.TryDecode(community, out var read)) bandwidth = read;
            else return false;
        }
        if (found.Count + encapsulations.Count == 0) return bandwidth is not null;
        if (!encapsulations.SequenceEqual(PathAttributes.Encapsulations)) return false;
        found.Sort();
        targets = [.. found];
        return true;
    }

    private PathAttributes AttributesOf(BgpPath path)
    {
        // The paths of a network follow each other and have equal attributes.
        if (_last is { } last && last.Preference == path.LocalPreference && last.Med == path.Med && last.Weight == path.Weight && last.Label == path.Vpn?.Label
            && Equals(last.Targets, path.Vpn?.RouteTargets) && last.Communities.Equals(path.Communities) && last.Large.Equals(path.LargeCommunities))
            return last.Attributes;

        var attributes = Share(new(path.LocalPreference, path.Med,
            path.Communities.Distinct().Order().ToEquatableList(), path.LargeCommunities.Distinct().Where(c => !LimitedPeer.IsMarker(c)).Order().ToEquatableList(),
            path.Vpn is { } vpn ? new(vpn.Label, vpn.RouteTargets.Distinct().Order().ToEquatableList()) : null)
        {
            Bandwidth = LinkBandwidth.Of(path.Weight, autonomousSystem),
        });
        _last = (path.Communities, path.LargeCommunities, path.LocalPreference, path.Med, path.Weight, path.Vpn?.Label, path.Vpn?.RouteTargets, attributes);
        return attributes;
    }

    private PathAttributes Share(PathAttributes attributes)
    {
        if (_attributes.TryGetValue(attributes, out var known)) return known;
        MakeRoom();
        return _attributes.GetOrAdd(attributes, attributes);
    }

    private void MakeRoom()
    {
        if (Interlocked.Increment(ref _shared) <= MostShared) return;
        Interlocked.Exchange(ref _shared, 0);
        _nextHops.Clear();
        _attributes.Clear();
    }

    private static IPAddress? AddressOrNull(string? text) => IPAddress.TryParse(text, out var address) ? address : null;
}
