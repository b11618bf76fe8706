using System.Net;
using CN2.Network.Overlay;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests.Overlay;

/// <summary>The node of <see cref="NodeLab"/> between two VPNs, 5 by MPLS-in-UDP and 6 by MPLS-in-GRE, and the underlay: three clients with one address.</summary>
public sealed class VpnLab : IDisposable
{
    public VpnLab()
    {
        Nodes = new NodeLab();
        try
        {
            Site5 = new VpnSite(Nodes.Node, 5);
            Site6 = new VpnSite(Nodes.Node, 6);
            Site5.Speak("udp");
            Site6.Speak("gre");
            Underlay = new EchoServer(Nodes.ClientHost, "underlay", 80);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public NodeLab Nodes { get; }

    public VpnSite Site5 { get; } = null!;

    public VpnSite Site6 { get; } = null!;

    private EchoServer? Underlay { get; }

    /// <summary>Both RoutingInstances, each with a route to its clients.</summary>
    public void Fill(OverlayConfig config)
    {
        foreach (var site in (VpnSite[])[Site5, Site6])
        {
            config.RoutingInstances[site.Number] = site.Label;
            foreach (var prefix in (string[])["192.0.2.0/24", "fd00:c::/64"])
            {
                var path = new VpnPath(IPAddress.Parse(site.RouterAddress), site.RouterLabel, site == Site5, site == Site6);
                config.Routes[new VpnRouteKey(site.Number, IPNetwork.Parse(prefix))] = [path];
            }
        }
    }

    public void Dispose()
    {
        Underlay?.Dispose();
        Site6?.Dispose();
        Site5?.Dispose();
        Nodes.Dispose();
    }
}
