using System.Net;
using CN2.Network.Collections;
using CN2.Network.Overlay;
using CN2.VRouter.Overlay.Forwarding;

namespace CN2.VRouter.Tests.Overlay.Forwarding;

/// <summary>Forwarding tables with two RoutingInstances (labels 21 and 23), without devices.</summary>
internal static class ForwardingSamples
{
    public const uint Router1 = 0xac100002;
    public const uint Router2 = 0xac100003;

    public static ForwardingTables Tables() => new([Instance(5, 21, "172.16.0.2"), Instance(7, 23, "172.16.0.3")]);

    public static ForwardingInstance Instance(int number, uint label, params string[] nextHops)
    {
        var state = new UserspaceInstance(number) { Label = label };
        foreach (var prefix in (string[])["203.0.113.0/24", "fd00:c::/64"])
            state.Set(IPNetwork.Parse(prefix), nextHops.Select(n => new VpnPath(IPAddress.Parse(n), 100 + (uint)number, true, false)).ToEquatableList());
        return state.Publish();
    }
}
