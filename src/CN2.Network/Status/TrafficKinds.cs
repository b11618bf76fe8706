using CN2.Network.Addressing;

namespace CN2.Network.Status;

/// <summary>What a node forwards for FloatingIPs, by what can stop one kind and not the others. The numbers are those of the wire (vrouter.proto).</summary>
[Flags]
public enum TrafficKinds
{
    None = 0,

    /// <summary>IPv4 packets to endpoints.</summary>
    IPv4 = 1,

    /// <summary>IPv6 packets to endpoints.</summary>
    IPv6 = 2,

    /// <summary>Packets that come out of VPNs (FloatingIPs of networks in the overlay).</summary>
    Vpn = 4,

    All = IPv4 | IPv6 | Vpn,
}

public static class TrafficKindsNames
{
    public static TrafficKinds Traffic(this IPFamily family) => family == IPFamily.IPv4 ? TrafficKinds.IPv4 : TrafficKinds.IPv6;

    /// <summary>For a sentence: <c>the traffic</c> when it is all that the resource has, else which part of it.</summary>
    /// <param name="used">The kinds that the resource has.</param>
    public static string Phrase(this TrafficKinds stopped, TrafficKinds used)
    {
        if ((stopped & used) == used) return "the traffic";
        var parts = new List<string>();
        if (stopped.HasFlag(TrafficKinds.IPv4)) parts.Add("IPv4");
        if (stopped.HasFlag(TrafficKinds.IPv6)) parts.Add("IPv6");
        if (stopped.HasFlag(TrafficKinds.Vpn)) parts.Add("VPN");
        return $"the {string.Join(" and ", parts)} traffic";
    }
}
