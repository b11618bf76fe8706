using System.Diagnostics.CodeAnalysis;
using System.Net;
using CN2.Network.Addressing;

namespace CN2.Network.Compilation;

/// <summary>
/// One way to a FloatingIP: through which vRouter (its address, the next hop) and in which RoutingInstance; 0 is the underlay. Written
/// <c>172.27.115.242</c>, or in the overlay like the route distinguisher that tells it apart there, <c>172.27.115.242:5</c>.
/// </summary>
public readonly record struct RouteKey(IPAddress NextHop, int RoutingInstance)
{
    public static bool TryParse(string text, [NotNullWhen(true)] out RouteKey? path)
    {
        if (RouteDistinguisher.TryParse(text, out var distinguisher)) path = new RouteKey(distinguisher.Value.Administrator, distinguisher.Value.Number);
        else path = IPAddress.TryParse(text, out var nextHop) ? new RouteKey(nextHop, 0) : null;
        return path is not null;
    }

    /// <summary>Of text that <see cref="ToString"/> wrote.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static RouteKey Parse(string text) => TryParse(text, out var path) ? path.Value : throw new FormatException($"'{text}' is no path.");

    public override string ToString() => RoutingInstance == 0 ? NextHop.ToString() : $"{NextHop}:{RoutingInstance}";
}
