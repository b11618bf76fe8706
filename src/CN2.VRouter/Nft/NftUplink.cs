using System.Globalization;
using System.Net;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Nft;

/// <summary>
/// The part of the IPv4 table that takes outer packets of the overlay (MPLS in UDP and in GRE), and what other nodes relay, from the uplink only; pure.
/// Outer addresses are IPv4. The source address is all that says which router an outer packet is from, so a pod that forges it would be in the VPN of any label.
/// <para>
/// An interface is the uplink for a packet if it holds the node's address, or if the node reaches the sender by it: one of the paths of the
/// best route is enough. The first covers nodes on which packets come by another interface than the answers take, the second those whose
/// address is on none of their uplinks (on the loopback, say). A pod's interface is neither, whatever the pod writes into its packets. The
/// same packets are dropped when the node only passes them on, because another node takes them for what they claim to be. They are dropped
/// before <see cref="Overlay.Kernel.TunnelFilter"/> and before any socket sees them.
/// </para>
/// </summary>
internal static class NftUplink
{
    /// <summary>The counter of dropped packets.</summary>
    public const string Counter = "not_from_uplink";

    private static readonly string Udp = string.Create(CultureInfo.InvariantCulture, $"udp dport {MplsInUdp.Port}");
    private static readonly string Gre = string.Create(CultureInfo.InvariantCulture, $"ip protocol gre @th,16,16 {MplsInGre.MplsUnicast}");

    /// <summary>The chains for packets to the node itself.</summary>
    /// <param name="address">The node's address, at which its tunnels end.</param>
    /// <param name="relayPort">Of <see cref="NftOptions"/>.</param>
    public static string Chains(IPAddress address, int relayPort) => $$"""

          counter {{Counter}} { }
          chain uplink_only {
            fib daddr . iif type local return
            fib saddr . iif oif missing counter name {{Counter}} drop
          }
          chain outer {
            type filter hook prerouting priority -360; policy accept;
            ip daddr {{address}} {{Udp}} goto uplink_only
            ip daddr {{address}} {{Gre}} goto uplink_only{{(relayPort == 0 ? "" : $"\n    ip daddr {address} {Relay(relayPort)} goto uplink_only")}}
          }
          chain passing {
            # Bridged from port to port: not routed by this node, which may have no route back.
            meta iifkind "bridge" meta oifkind "bridge" return
            fib saddr . iif oif missing counter name {{Counter}} drop
          }
        """;

    /// <summary>The rules for packets that the node passes on, for a chain at the hook forward.</summary>
    public static string ForwardRules(int relayPort) => $"{Udp} jump passing\n    {Gre} jump passing{(relayPort == 0 ? "" : $"\n    {Relay(relayPort)} jump passing")}";

    private static string Relay(int port) => string.Create(CultureInfo.InvariantCulture, $"udp sport {port} udp dport {port}");
}
