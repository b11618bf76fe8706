using System.Net;
using System.Net.NetworkInformation;
using CN2.Api.Options;

namespace CN2.Api.BgpRouters;

/// <summary>
/// Where the BGP engine of this control node listens, as far as the settings tell: a session with itself never comes up. Everything else may share
/// an address: a control node, a vRouter and a router can run on one host, and a router beside the engine uses another port.
/// </summary>
/// <param name="local">The addresses of this host.</param>
public sealed class EngineListener(BgpOptions bgp, Func<IEnumerable<IPAddress>>? local = null)
{
    public bool IsAt(IPAddress address, int port)
    {
        if (!bgp.Enabled || port != bgp.ListenPort) return false;
        if (bgp.ListenAddresses.Count > 0 && !bgp.ListenAddresses.Any(a => a.Equals(IPAddress.Any) || a.Equals(IPAddress.IPv6Any))) return bgp.ListenAddresses.Contains(address);
        // An engine on another host listens at addresses that are not known here.
        var host = bgp.GoBgpAddress.Scheme == "unix" || bgp.GoBgpAddress.IsLoopback ? null : bgp.GoBgpAddress.DnsSafeHost;
        if (host is null) return (local ?? Interfaces)().Contains(address);
        return IPAddress.TryParse(host, out var engine) && engine.Equals(address);
    }

    private static IEnumerable<IPAddress> Interfaces() =>
        NetworkInterface.GetAllNetworkInterfaces().SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => a.Address);
}
