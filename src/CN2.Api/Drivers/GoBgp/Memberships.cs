using CN2.Network.Addressing;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>The route targets that a peer asked for (RFC 4684). <paramref name="Everything"/>: it sent the default membership.</summary>
internal sealed record Memberships(bool Everything, IReadOnlySet<RouteTarget> RouteTargets)
{
    public static readonly Memberships None = new(false, new HashSet<RouteTarget>());

    public bool Want(IEnumerable<RouteTarget> routeTargets) => Everything || routeTargets.Any(RouteTargets.Contains);
}
