using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Tests;

/// <summary>Short ways to write configurations.</summary>
internal static class Configs
{
    public static DataplaneConfig Config(params DataplaneNatEntry[] natEntries)
    {
        var config = new DataplaneConfig();
        foreach (var natEntry in natEntries)
        {
            config.NatEntries.Add(natEntry.Key, natEntry);
            if (natEntry.Key is { Address: { } address, RoutingInstance: 0 }) config.FloatingIPs.Add(address);
        }

        return config;
    }

    public static DataplaneConfig With(this DataplaneConfig config, params string[] floatingIPs)
    {
        foreach (var address in floatingIPs) config.FloatingIPs.Add(IPAddress.Parse(address));
        return config;
    }

    /// <summary>Nodes ("172.16.0.1/32"), and networks with endpoints.</summary>
    public static DataplaneConfig Inside(this DataplaneConfig config, params string[] networks)
    {
        config.Inside.UnionWith(networks.Select(n => IPNetwork.Parse(n)));
        return config;
    }

    /// <summary>"10.1.1.2:80" is local, "10.9.0.1:80@" lives on another node.</summary>
    public static DataplaneNatEntry NatEntry(string address, TransportProtocol protocol, int port, params string[] backends) =>
        new(new NatEntryKey(Family(address), IPAddress.Parse(address), protocol, (ushort)port), Backends(backends), [], false, []);

    public static DataplaneNatEntry NodePort(TransportProtocol protocol, int port, params string[] backends) =>
        new(new NatEntryKey(IPFamily.IPv4, null, protocol, (ushort)port), Backends(backends), [], false, []);

    public static DataplaneNatEntry OneToOne(string address, params string[] backends) =>
        new(new NatEntryKey(Family(address), IPAddress.Parse(address), null, 0), Backends(backends), [], false, []);

    /// <summary>The same in a RoutingInstance.</summary>
    public static DataplaneNatEntry In(this DataplaneNatEntry natEntry, int routingInstance) =>
        natEntry with { Key = natEntry.Key with { RoutingInstance = routingInstance } };

    public static EquatableList<DataplaneBackend> Backends(params string[] backends) => backends.Select(Backend).ToEquatableList();

    public static EquatableList<IPNetwork> Ranges(params string[] ranges) => ranges.Select(IPNetwork.Parse).ToEquatableList();

    private static DataplaneBackend Backend(string text)
    {
        var end = IPEndPoint.Parse(text.TrimEnd('@'));
        return new DataplaneBackend(end.Address, (ushort)end.Port, !text.EndsWith('@'));
    }

    private static IPFamily Family(string address) => address.Contains(':', StringComparison.Ordinal) ? IPFamily.IPv6 : IPFamily.IPv4;
}
