namespace CN2.Api.Drivers.GoBgp;

/// <summary>The address families in which FloatingIPs are announced (docs/contract.md §4), in the order of a table's counts.</summary>
internal enum RouteFamily
{
    Inet,
    Inet6,
    InetVpn,
    Inet6Vpn,
}

internal static class RouteFamilies
{
    /// <summary>Route target memberships (RFC 4684). They are not routes to an address, so they are not in the enumeration.</summary>
    public static readonly Wire.Family RouteTarget = new() { Afi = 1, Safi = 132 };

    private static readonly Wire.Family[] Wires =
        [new() { Afi = 1, Safi = 1 }, new() { Afi = 2, Safi = 1 }, new() { Afi = 1, Safi = 128 }, new() { Afi = 2, Safi = 128 }];

    public static readonly RouteFamily[] All = [RouteFamily.Inet, RouteFamily.Inet6, RouteFamily.InetVpn, RouteFamily.Inet6Vpn];

    public static readonly RouteFamily[] Vpn = [RouteFamily.InetVpn, RouteFamily.Inet6Vpn];

    public static Wire.Family ToWire(this RouteFamily family) => Wires[(int)family];

    /// <summary>The name in a BgpRouter's addressFamilies.</summary>
    public static string Name(this RouteFamily family) => PeerMapper.FamilyName(family.ToWire())!;

    public static bool IsVpn(this RouteFamily family) => family is RouteFamily.InetVpn or RouteFamily.Inet6Vpn;
}
