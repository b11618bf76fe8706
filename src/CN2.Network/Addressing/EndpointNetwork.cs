using System.Net;

namespace CN2.Network.Addressing;

/// <summary>
/// The network around an endpoint's address that counts as inside: a /24, in IPv6 a /64. Nodes are given such networks instead of all addresses, because
/// a node has hundreds of endpoints in one, and because the callers in it that are no endpoints are inside too.
/// </summary>
public static class EndpointNetwork
{
    public static IPNetwork Of(IPAddress endpoint)
    {
        var bytes = endpoint.GetAddressBytes();
        var length = LengthOf(endpoint.FamilyOf());
        bytes.AsSpan(length / 8).Clear();
        return new IPNetwork(new IPAddress(bytes), length);
    }

    public static int LengthOf(IPFamily family) => family == IPFamily.IPv4 ? 24 : 64;

    /// <summary>A node alone.</summary>
    public static IPNetwork OfNode(IPAddress node) => new(node, node.GetAddressBytes().Length * 8);
}
