using System.Net;
using CN2.VRouter.V1;
using Google.Protobuf;

namespace CN2.VRouter.Tests;

/// <summary>Short ways to write messages of the stream.</summary>
internal static class Wire
{
    public static ByteString Address(string address) => ByteString.CopyFrom(IPAddress.Parse(address).GetAddressBytes());

    public static NatEntryKey Key(string address, uint protocol, uint port) => new() { Address = Address(address), Protocol = protocol, Port = port };

    public static NatEntry NatEntry(string address, uint port, params string[] backends)
    {
        var natEntry = new NatEntry { Key = Key(address, 6, port) };
        natEntry.Backends.AddRange(backends.Select(b => IPEndPoint.Parse(b)).Select(b => new Backend { Address = Address(b.Address.ToString()), Port = (uint)b.Port, Local = true }));
        return natEntry;
    }

    public static Items Items(params NatEntry[] natEntries)
    {
        var items = new Items();
        items.NatEntries.AddRange(natEntries);
        items.FloatingIps.AddRange(natEntries.Where(f => !f.Key.Address.IsEmpty && f.Key.RoutingInstance == 0).Select(f => f.Key.Address).Distinct());
        return items;
    }

    public static NatEntry In(this NatEntry natEntry, uint routingInstance)
    {
        natEntry.Key.RoutingInstance = routingInstance;
        return natEntry;
    }

    public static VpnRouteKey RouteKey(uint routingInstance, string prefix)
    {
        var parts = prefix.Split('/');
        return new() { RoutingInstance = routingInstance, Prefix = Address(parts[0]), PrefixLength = uint.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture) };
    }

    /// <summary>By one path, over UDP.</summary>
    public static VpnRoute Route(uint routingInstance, string prefix, string nextHop, uint label) => new()
    {
        Key = RouteKey(routingInstance, prefix),
        Paths = { new VpnPath { NextHop = Address(nextHop), Label = label, MplsOverUdp = true } },
    };

    public static RoutingInstance Instance(uint number) => new() { Number = number, Label = 16 + number };

    public static ServerMessage Delta(ulong revision, params NatEntry[] natEntries) => new() { Delta = new Delta { Revision = revision, Put = Items(natEntries) } };
}
