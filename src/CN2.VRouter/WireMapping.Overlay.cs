using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Overlay;
using CN2.VRouter.Dataplane;
using Proto = CN2.VRouter.V1;

namespace CN2.VRouter;

// RoutingInstances, their routes and what they carried.
public static partial class WireMapping
{
    public static int InstanceNumber(uint number) => number is >= 1 and <= OverlayNumbers.LastRoutingInstance
        ? (int)number
        : throw new FormatException($"{number} is no number of a RoutingInstance; expected 1 to {OverlayNumbers.LastRoutingInstance}");

    public static RoutingInstance Instance(Proto.RoutingInstance instance)
    {
        var number = InstanceNumber(instance.Number);
        return new RoutingInstance(number, Label(instance.Label, $"RoutingInstance {number}"));
    }

    public static VpnRouteKey RouteKey(Proto.VpnRouteKey? key)
    {
        if (key is null) throw new FormatException("a VPN route has no key");
        var instance = InstanceNumber(key.RoutingInstance);
        var address = Address(key.Prefix);
        var bits = AddressArithmetic.BitsOf(address.FamilyOf());
        if (key.PrefixLength > bits) throw new FormatException($"the prefix {address}/{key.PrefixLength} of RoutingInstance {instance} is too long; expected at most {bits}");
        if (HasHostBits(address, (int)key.PrefixLength)) throw new FormatException($"the prefix {address}/{key.PrefixLength} of RoutingInstance {instance} has host bits");
        return new VpnRouteKey(instance, new IPNetwork(address, (int)key.PrefixLength));
    }

    public static VpnRoute Route(Proto.VpnRoute route)
    {
        var key = RouteKey(route.Key);
        var what = $"the route to {key.Prefix} in RoutingInstance {key.RoutingInstance}";
        if (route.Paths.Count == 0) throw new FormatException($"{what} has no path");
        var paths = route.Paths.Select(p => Path(p, what)).Distinct()
            .OrderBy(p => p.NextHop, Comparer<IPAddress>.Create(AddressArithmetic.Compare)).ThenBy(p => p.Label)
            .ToEquatableList();
        return new VpnRoute(key, paths);
    }

    public static Proto.OverlayCounters Counters(OverlayCounters counters)
    {
        var message = new Proto.OverlayCounters
        {
            UnknownLabel = (ulong)counters.UnknownLabel,
            UnknownSource = (ulong)counters.UnknownSource,
            Malformed = (ulong)counters.Malformed,
            TtlExpired = (ulong)counters.TtlExpired,
            Oversize = (ulong)counters.Oversize,
            SendErrors = (ulong)counters.SendErrors,
            NotFromUplink = (ulong)counters.NotFromUplink,
        };
        message.Instances.AddRange(counters.RoutingInstances.OrderBy(i => i.Key).Select(i => new Proto.InstanceCounters
        {
            RoutingInstance = (uint)i.Key,
            PacketsIn = (ulong)i.Value.PacketsIn,
            BytesIn = (ulong)i.Value.BytesIn,
            PacketsOut = (ulong)i.Value.PacketsOut,
            BytesOut = (ulong)i.Value.BytesOut,
            NoRoute = (ulong)i.Value.NoRoute,
        }));
        return message;
    }

    private static VpnPath Path(Proto.VpnPath path, string what)
    {
        // The outer packets are IPv4, also for inner IPv6.
        if (path.NextHop.Length != 4) throw new FormatException($"a next hop of {what} has {path.NextHop.Length} bytes; expected the 4 of an IPv4 address");
        var nextHop = Address(path.NextHop);
        if (Network.Addressing.HostAddress.FaultOf(nextHop) is { } fault) throw new FormatException($"a next hop of {what}: {fault}");
        if (!path.MplsOverUdp && !path.MplsOverGre) throw new FormatException($"the path to {nextHop} of {what} has no encapsulation");
        return new VpnPath(nextHop, Label(path.Label, $"the path to {nextHop} of {what}"), path.MplsOverUdp, path.MplsOverGre);
    }

    private static uint Label(uint label, string what) => MplsLabel.IsUsable(label)
        ? label
        : throw new FormatException($"the label {label} of {what} is none; expected {MplsLabel.First} to {MplsLabel.Last}");

    private static bool HasHostBits(IPAddress address, int prefixLength)
    {
        var bits = AddressArithmetic.BitsOf(address.FamilyOf()) - prefixLength;
        return bits > 0 && (bits == 128 ? address.ToNumber() != 0 : (address.ToNumber() & ((UInt128.One << bits) - 1)) != 0);
    }
}
