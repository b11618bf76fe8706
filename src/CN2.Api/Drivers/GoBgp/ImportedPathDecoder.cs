using System.Net;
using System.Net.Sockets;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Overlay;
using CN2.Network.Resources;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>A VPN route that a peer sent; its key has no peer name yet. <see cref="Route"/> null: it was withdrawn, or cannot be used and <see cref="Fault"/> says why.</summary>
internal readonly record struct LearnedRoute(string RouteDistinguisher, IPNetwork Prefix, ImportedRoute? Route, string? Fault);

/// <summary>
/// Reads the routes that peers send. Peers may send anything: a route that cannot be read or used becomes a sentence for the log, never an
/// exception. Routes that the engine itself would not accept (the own AS in the path, own routes that are reflected) are left out here
/// too, because it lists them.
/// </summary>
internal sealed class ImportedPathDecoder(uint autonomousSystem, IPAddress? routerId)
{
    /// <summary>Null when the route's own key, its distinguisher and prefix, cannot be read.</summary>
    public LearnedRoute? Decode(Wire.Path path)
    {
        if (path.Nlri?.TryUnpack<Wire.LabeledVPNIPAddressPrefix>(out var nlri) != true || !VpnCodec.TryFormat(nlri.Rd, out var distinguisher)
            || PrefixOf(nlri, path.Family) is not { } prefix) return null;
        if (path.IsWithdraw) return new(distinguisher, prefix, null, null);
        var route = Read(path, nlri, distinguisher, prefix, out var fault);
        return new(distinguisher, prefix, route, fault);
    }

    /// <summary>Reads a membership (RFC 4684). Readable without one: the default membership, which asks for everything.</summary>
    public static (RouteTargetMembership? Membership, bool IsReadable) DecodeMembership(Wire.Path path)
    {
        // The engine cannot express the default membership and leaves the NLRI out.
        if (path.Nlri is null) return (null, true);
        return path.Nlri.TryUnpack<Wire.RouteTargetMembershipNLRI>(out var nlri) && VpnCodec.TryDecode(nlri.Rt, out var target)
            ? (new(nlri.Asn, target), true)
            : (null, false);
    }

    private ImportedRoute? Read(Wire.Path path, Wire.LabeledVPNIPAddressPrefix nlri, string distinguisher, IPNetwork prefix, out string? fault)
    {
        uint preference = 100, med = 0;
        var length = 0;
        IPAddress? nextHop = null;
        var targets = new List<RouteTarget>();
        var encapsulations = new List<ushort>();
        fault = null;
        foreach (var any in path.Pattrs)
        {
            if (any.TryUnpack<Wire.NextHopAttribute>(out var n)) nextHop = AddressOrNull(n.NextHop);
            else if (any.TryUnpack<Wire.MpReachNLRIAttribute>(out var mp)) nextHop = AddressOrNull(mp.NextHops.FirstOrDefault());
            else if (any.TryUnpack<Wire.MultiExitDiscAttribute>(out var m)) med = m.Med;
            else if (any.TryUnpack<Wire.LocalPrefAttribute>(out var l)) preference = l.LocalPref;
            else if (any.TryUnpack<Wire.AsPathAttribute>(out var asPath))
            {
                length = LengthOf(asPath);
                if (asPath.Segments.Any(s => s.Numbers.Contains(autonomousSystem))) fault = "the own AS is in its AS path";
            }
            else if (any.TryUnpack<Wire.OriginatorIdAttribute>(out var originator))
            {
                if (routerId is not null && originator.Id == routerId.ToString()) fault = "it was announced by this control node";
            }
            else if (any.TryUnpack<Wire.ExtendedCommunitiesAttribute>(out var extended))
            {
                foreach (var community in extended.Communities)
                {
                    if (VpnCodec.TryDecode(community, out var target)) targets.Add(target);
                    else if (VpnCodec.TryDecodeEncapsulation(community, out var type)) encapsulations.Add(type);
                }
            }
        }

        nextHop = nextHop?.Unmapped();
        if (nextHop is null || nextHop.AddressFamily != AddressFamily.InterNetwork || nextHop.Equals(IPAddress.Any))
            fault ??= $"its next hop {nextHop?.ToString() ?? ""} is not an IPv4 address";
        if (nlri.Labels is not [>= MplsLabel.First and <= MplsLabel.Last])
            fault ??= nlri.Labels.Count == 1 ? $"its label {nlri.Labels[0]} is reserved or out of range" : $"it has {nlri.Labels.Count} labels";
        if (targets.Count > Limits.ImportedTargets && targets.Distinct().Count() > Limits.ImportedTargets)
            fault ??= $"it carries more than {Limits.ImportedTargets} route targets";
        if (fault is not null) return null;
        return new()
        {
            Key = new("", distinguisher, prefix),
            NextHop = nextHop!,
            Label = nlri.Labels[0],
            RouteTargets = targets.Distinct().Order().ToEquatableList(),
            Encapsulations = encapsulations.Distinct().Order().ToEquatableList(),
            LocalPreference = preference,
            Med = med,
            ASPathLength = length,
        };
    }

    /// <summary>An AS set counts once, confederation segments do not count (RFC 4271 §9.1.2.2, RFC 5065 §5.3).</summary>
    private static int LengthOf(Wire.AsPathAttribute path) => path.Segments.Sum(s => s.Type switch
    {
        Wire.AsSegment.Types.Type.AsSequence => s.Numbers.Count,
        Wire.AsSegment.Types.Type.AsSet => 1,
        _ => 0,
    });

    private static IPNetwork? PrefixOf(Wire.LabeledVPNIPAddressPrefix nlri, Wire.Family? family)
    {
        if (!IPAddress.TryParse(nlri.Prefix, out var address)) return null;
        var isIPv4 = address.AddressFamily == AddressFamily.InterNetwork;
        if (family is null || family.Afi != (isIPv4 ? 1u : 2u) || nlri.PrefixLen > (isIPv4 ? 32u : 128u)) return null;
        // A prefix with host bits means the network that contains it.
        var bytes = address.GetAddressBytes();
        for (var bit = (int)nlri.PrefixLen; bit < bytes.Length * 8; bit++) bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return new IPNetwork(new IPAddress(bytes), (int)nlri.PrefixLen);
    }

    private static IPAddress? AddressOrNull(string? text) => IPAddress.TryParse(text, out var address) ? address : null;
}
