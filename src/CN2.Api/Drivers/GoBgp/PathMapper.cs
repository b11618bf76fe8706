using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using CN2.Network.Collections;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>A local path found in the engine. <see cref="Attributes"/> null: it carries something we never send. <see cref="Prefix"/> null: no host route.</summary>
internal readonly record struct FoundPath(
    HostPrefix? Prefix, uint Identifier, IPAddress? NextHop, PathAttributes? Attributes, Wire.Path Path);

/// <summary>
/// Between <see cref="BgpPath"/> and the engine's messages. gobgpd validates nothing (facts: "garbage", /33 and host bits are all
/// taken), so everything is checked here, before anything is sent. Shares one instance per next hop and per set of attributes; decoding is thread-safe.
/// </summary>
internal sealed class PathMapper
{
    public static readonly Wire.Family Inet = new() { Afi = 1, Safi = 1 };
    public static readonly Wire.Family Inet6 = new() { Afi = 2, Safi = 1 };

    /// <summary>RFC 4271's 4096 bytes must hold the path with all of them.</summary>
    private const int MostCommunities = 200;

    private readonly ConcurrentDictionary<IPAddress, NextHop> _nextHops = [];
    private readonly ConcurrentDictionary<PathAttributes, PathAttributes> _attributes = [];
    private (EquatableList<string> Communities, EquatableList<string> Large, uint Preference, uint Med, PathAttributes Attributes)? _last;

    /// <exception cref="ArgumentException">The path is none that could ever be announced.</exception>
    public (HostPrefix Prefix, NextHop NextHop, PathAttributes Attributes) Check(BgpPath path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (!IsHost(path.Prefix))
            throw new ArgumentException($"{path.Prefix} is no address that can be announced.", nameof(path));
        if (!IsHost(path.NextHop) || path.NextHop.IsIPv6LinkLocal)
            throw new ArgumentException($"{path.NextHop} is no next hop (path {path.Prefix}).", nameof(path));
        if (path.Prefix.AddressFamily != path.NextHop.AddressFamily)
            throw new ArgumentException($"Next hop {path.NextHop} is of another family than {path.Prefix}.", nameof(path));
        return (HostPrefix.From(path.Prefix), NextHopOf(path.NextHop), AttributesOf(path));
    }

    public static Wire.Path Encode(PathChange change) =>
        change.IsWithdraw ? EncodeWithdraw(change.Prefix, change.Path.Identifier) : EncodeAdd(change.Prefix, change.Path);

    public static Wire.Path EncodeWithdraw(Wire.Path found) =>
        new() { Nlri = found.Nlri, Family = found.Family, Identifier = found.Identifier, IsWithdraw = true };

    public static BgpPath ToBgpPath(HostPrefix prefix, HeldPath path) => new(
        prefix.ToAddress(), path.NextHop.Address, path.Attributes.LocalPreference, path.Attributes.Med,
        path.Attributes.Communities.Select(BgpCommunity.Format).ToEquatableList(),
        path.Attributes.LargeCommunities.Select(c => c.ToString()).ToEquatableList());

    /// <summary>A path of the engine's table; null when it was learned from a peer.</summary>
    public FoundPath? Decode(Wire.Path path)
    {
        // The engine prints an absent address so; a learned path has its neighbour's.
        if (path.NeighborIp is not ("" or "<nil>")) return null;

        HostPrefix? prefix = null;
        if (path.Nlri?.TryUnpack<Wire.IPAddressPrefix>(out var nlri) == true && IPAddress.TryParse(nlri.Prefix, out var address)
            && nlri.PrefixLen == (address.AddressFamily == AddressFamily.InterNetwork ? 32u : 128u))
            prefix = HostPrefix.From(address);

        uint origin = 0, preference = 0, med = 0;
        var (hasPreference, hasMed, foreign) = (false, false, false);
        IPAddress? nextHop = null;
        uint[] communities = [];
        LargeCommunityValue[] large = [];
        foreach (var any in path.Pattrs)
        {
            if (any.TryUnpack<Wire.OriginAttribute>(out var o)) origin = o.Origin;
            else if (any.TryUnpack<Wire.NextHopAttribute>(out var n)) nextHop = AddressOrNull(n.NextHop);
            else if (any.TryUnpack<Wire.MpReachNLRIAttribute>(out var mp)) nextHop = AddressOrNull(mp.NextHops.FirstOrDefault());
            else if (any.TryUnpack<Wire.MultiExitDiscAttribute>(out var m)) (med, hasMed) = (m.Med, true);
            else if (any.TryUnpack<Wire.LocalPrefAttribute>(out var l)) (preference, hasPreference) = (l.LocalPref, true);
            else if (any.TryUnpack<Wire.CommunitiesAttribute>(out var c)) communities = [.. c.Communities.Order()];
            else if (any.TryUnpack<Wire.LargeCommunitiesAttribute>(out var lc))
                large = [.. lc.Communities.Select(v => new LargeCommunityValue(v.GlobalAdmin, v.LocalData1, v.LocalData2)).Order()];
            else foreign = true;
        }

        var ours = !foreign && hasMed && hasPreference && origin == PathAttributes.OriginIncomplete;
        return new(prefix, path.Identifier, nextHop,
            ours ? Share(new(preference, med, communities.ToEquatableList(), large.ToEquatableList())) : null, path);
    }

    public NextHop NextHopOf(IPAddress address) => _nextHops.GetOrAdd(address, a => new(a));

    private static Wire.Path EncodeAdd(HostPrefix prefix, HeldPath path)
    {
        var wire = EncodeWithdraw(prefix, path.Identifier);
        wire.IsWithdraw = false;
        wire.Pattrs.Capacity = 6;
        wire.Pattrs.Add(path.NextHop.Encoded);
        foreach (var attribute in path.Attributes.Encoded) wire.Pattrs.Add(attribute);
        return wire;
    }

    private static Wire.Path EncodeWithdraw(HostPrefix prefix, uint identifier) => new()
    {
        Nlri = PathAttributes.Pack(new Wire.IPAddressPrefix
        {
            Prefix = prefix.ToAddress().ToString(),
            PrefixLen = prefix.IsIPv4 ? 32u : 128u,
        }),
        Family = prefix.IsIPv4 ? Inet : Inet6,
        Identifier = identifier,
        IsWithdraw = true,
    };

    private PathAttributes AttributesOf(BgpPath path)
    {
        // Paths of a network come one after the other and share their lists.
        if (_last is { } last && last.Preference == path.LocalPreference && last.Med == path.Med
            && last.Communities.Equals(path.Communities) && last.Large.Equals(path.LargeCommunities))
            return last.Attributes;

        if (path.Communities.Count > MostCommunities || path.LargeCommunities.Count > MostCommunities)
            throw new ArgumentException($"{path.Prefix} has more than {MostCommunities} communities.", nameof(path));
        var communities = path.Communities.Select(text => BgpCommunity.TryParse(text, out var value)
            ? value
            : throw new ArgumentException($"\"{text}\" is no community (path {path.Prefix}).", nameof(path)));
        var large = path.LargeCommunities.Select(text => BgpCommunity.TryParseLarge(text, out var value)
            ? value
            : throw new ArgumentException($"\"{text}\" is no large community (path {path.Prefix}).", nameof(path)));
        var attributes = Share(new(path.LocalPreference, path.Med,
            communities.Distinct().Order().ToEquatableList(), large.Distinct().Order().ToEquatableList()));
        _last = (path.Communities, path.LargeCommunities, path.LocalPreference, path.Med, attributes);
        return attributes;
    }

    private PathAttributes Share(PathAttributes attributes) => _attributes.GetOrAdd(attributes, attributes);

    private static IPAddress? AddressOrNull(string? text) => IPAddress.TryParse(text, out var address) ? address : null;

    private static bool IsHost(IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
            return !address.IsIPv4MappedToIPv6 && !address.IsIPv6Multicast && address.ScopeId == 0
                && !address.Equals(IPAddress.IPv6Any) && !address.Equals(IPAddress.IPv6Loopback);
        if (address.AddressFamily != AddressFamily.InterNetwork) return false;
        Span<byte> bytes = stackalloc byte[4];
        address.TryWriteBytes(bytes, out _);
        return bytes[0] is not (0 or 127 or >= 224);
    }
}
