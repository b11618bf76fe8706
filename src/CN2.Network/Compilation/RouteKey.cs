using System.Diagnostics.CodeAnalysis;
using System.Net;
using CN2.Network.Addressing;

namespace CN2.Network.Compilation;

/// <summary>
/// One path to a FloatingIP: the next hop (the address of a vRouter) and the RoutingInstance (0 is the underlay). Text form: in the underlay
/// <c>172.27.115.242</c>, in the overlay the route distinguisher of the path, <c>172.27.115.242:5</c>.
/// </summary>
public readonly record struct RouteKey(IPAddress NextHop, int RoutingInstance)
{
    public static bool TryParse(string text, [NotNullWhen(true)] out RouteKey? path)
    {
        if (RouteDistinguisher.TryParse(text, out var distinguisher)) path = new RouteKey(distinguisher.Value.Administrator, distinguisher.Value.Number);
        else path = IPAddress.TryParse(text, out var nextHop) ? new RouteKey(nextHop, 0) : null;
        return path is not null;
    }

    /// <summary>Parses text that <see cref="ToString"/> wrote.</summary>
    /// <exception cref="FormatException">The text is not a path.</exception>
    public static RouteKey Parse(string text) => TryParse(text, out var path) ? path.Value : throw new FormatException($"'{text}' is no path.");

    public override string ToString() => RoutingInstance == 0 ? NextHop.ToString() : $"{NextHop}:{RoutingInstance}";
}
