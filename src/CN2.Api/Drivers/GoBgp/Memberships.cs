using CN2.Network.Addressing;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>What a peer asked for by route target constraint (RFC 4684); <paramref name="Everything"/> is the default membership.</summary>
internal sealed record Memberships(bool Everything, IReadOnlySet<RouteTarget> RouteTargets)
{
    public static readonly Memberships None = new(false, new HashSet<RouteTarget>());

    public bool Want(IEnumerable<RouteTarget> routeTargets) => Everything || routeTargets.Any(RouteTargets.Contains);
}
