using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Selection;
using CN2.Network.Sequencing;
using CN2.VRouter.V1;
using Google.Protobuf;
using EndpointHealth = CN2.Network.Resources.EndpointHealth;
using MonitorType = CN2.Network.Resources.MonitorType;
using NatEntryKey = CN2.Network.Compilation.NatEntryKey;
using RoutingInstance = CN2.Network.Overlay.RoutingInstance;
using VpnRoute = CN2.Network.Overlay.VpnRoute;
using VpnRouteKey = CN2.Network.Overlay.VpnRouteKey;

namespace CN2.Api.Drivers.VRouterStream;

/// <summary>The driver's types to and from the messages of vrouter.proto. Pure.</summary>
internal static class VRouterMessages
{
    /// <summary>Aim for a chunk, well under the 4 MB that gRPC clients take and the 1 MB that we promise.</summary>
    private const int ChunkBytes = 512 * 1024;

    /// <summary>The whole configuration in chunks; always at least one, the last of them marked.</summary>
    public static IReadOnlyList<ServerMessage> Snapshot(ulong revision, VRouterConfig config)
    {
        var chunks = new List<ServerMessage>();
        var items = new Items();
        var size = 0;
        foreach (var natEntry in config.NatEntries)
        {
            var message = Message(natEntry);
            items.NatEntries.Add(message);
            Grew(message.CalculateSize());
        }

        foreach (var address in config.FloatingIPs)
        {
            items.FloatingIps.Add(Bytes(address));
            Grew(18);
        }

        foreach (var probe in config.Probes)
        {
            var message = Message(probe);
            items.Probes.Add(message);
            Grew(message.CalculateSize());
        }

        foreach (var instance in config.RoutingInstances)
        {
            items.RoutingInstances.Add(Message(instance));
            Grew(8);
        }

        foreach (var route in config.VpnRoutes)
        {
            var message = Message(route);
            items.VpnRoutes.Add(message);
            Grew(message.CalculateSize());
        }

        Finish(last: true);
        return chunks;

        void Grew(int bytes)
        {
            size += bytes + 4;
            if (size >= ChunkBytes) Finish(last: false);
        }

        void Finish(bool last)
        {
            chunks.Add(new ServerMessage { Snapshot = new Snapshot { Revision = revision, Last = last, Items = items } });
            items = new Items();
            size = 0;
        }
    }

    public static ServerMessage Delta(ulong revision, VRouterDelta delta)
    {
        var put = new Items();
        put.NatEntries.AddRange(delta.NatEntries.Select(Message));
        put.FloatingIps.AddRange(delta.FloatingIPs.Select(Bytes));
        put.Probes.AddRange(delta.Probes.Select(Message));
        put.RoutingInstances.AddRange(delta.RoutingInstances.Select(Message));
        put.VpnRoutes.AddRange(delta.VpnRoutes.Select(Message));
        var message = new Delta { Revision = revision, Put = put };
        message.RemovedNatEntries.AddRange(delta.RemovedNatEntries.Select(Message));
        message.RemovedFloatingIps.AddRange(delta.RemovedFloatingIPs.Select(Bytes));
        message.RemovedProbes.AddRange(delta.RemovedProbes.Select(Bytes));
        message.RemovedRoutingInstances.AddRange(delta.RemovedRoutingInstances.Select(n => (uint)n));
        message.RemovedVpnRoutes.AddRange(delta.RemovedVpnRoutes.Select(Message));
        return new ServerMessage { Delta = message };
    }

    /// <summary>Reads a hello; every fault at once.</summary>
    public static VRouterHello? Read(Hello hello, List<string> faults)
    {
        if (NameSyntax.FaultOfDnsLabel(hello.Name) is { } nameFault) faults.Add($"name: {nameFault}");
        var address = hello.Address.Length == 4 ? new IPAddress(hello.Address.Span) : null;
        if (address is null) faults.Add("address: expected the 4 bytes of an IPv4 address");
        else if (HostAddress.FaultOf(address) is { } addressFault) faults.Add($"address: {addressFault}");
        var address6 = hello.Address6.Length == 16 ? new IPAddress(hello.Address6.Span) : null;
        if (address6 is null && !hello.Address6.IsEmpty) faults.Add("address6: expected the 16 bytes of an IPv6 address, or nothing");
        else if (address6 is not null && HostAddress.FaultOf(address6) is { } address6Fault) faults.Add($"address6: {address6Fault}");
        if (hello.AgentVersion.Length > 200) faults.Add("agent_version: longer than 200 characters");
        if (hello.OverlayEngine is not ("" or "userspace" or "kernel")) faults.Add($"overlay_engine \"{hello.OverlayEngine}\": expected userspace, kernel or nothing");
        return faults.Count > 0 ? null : new VRouterHello(hello.Name, address!, address6, hello.AgentVersion, hello.OverlayEngine.Length == 0 ? null : hello.OverlayEngine);
    }

    /// <summary>Reads counters; of a RoutingInstance told twice the last, what is no RoutingInstance is left out.</summary>
    public static VRouterOverlayCounters Read(OverlayCounters counters)
    {
        var instances = new SortedDictionary<int, VRouterInstanceCounters>();
        foreach (var i in counters.Instances.Where(i => i.RoutingInstance is >= 1 and <= ushort.MaxValue))
        {
            var number = (int)i.RoutingInstance;
            instances[number] = new(number, Count(i.PacketsIn), Count(i.BytesIn), Count(i.PacketsOut), Count(i.BytesOut), Count(i.NoRoute));
        }

        return new(
            [.. instances.Values], Count(counters.UnknownLabel), Count(counters.UnknownSource), Count(counters.Malformed), Count(counters.TtlExpired),
            Count(counters.Oversize), Count(counters.SendErrors));

        static long Count(ulong value) => (long)Math.Min(value, long.MaxValue);
    }

    /// <summary>Reads a report; endpoints whose uid is no uid are left out.</summary>
    public static IReadOnlyList<(Guid Uid, EndpointHealth Health, string? Message)> Read(HealthReport report) =>
        [.. report.Endpoints.Where(e => e.Uid.Length == 16).Select(e => (
            new Guid(e.Uid.Span, bigEndian: true),
            e.Health switch
            {
                Health.Healthy => EndpointHealth.Healthy,
                Health.Unhealthy => EndpointHealth.Unhealthy,
                _ => EndpointHealth.Unknown,
            },
            e.Message.Length == 0 ? null : e.Message))];

    private static NatEntry Message(VirtualRouterNatEntry natEntry)
    {
        var message = new NatEntry { Key = Message(natEntry.Key), ClientIpAffinity = natEntry.ClientIPAffinity };
        message.Backends.AddRange(natEntry.Backends.Select(Message));
        message.Draining.AddRange(natEntry.Draining.Select(Message));
        message.SourceRanges.AddRange(natEntry.SourceRanges.Select(r => r.ToString()));
        return message;
    }

    private static Backend Message(VirtualRouterBackend backend) =>
        new() { Address = Bytes(backend.Address), Port = backend.Port, Local = backend.Local };

    private static VRouter.V1.NatEntryKey Message(NatEntryKey key) => new()
    {
        Address = key.Address is null ? ByteString.Empty : Bytes(key.Address),
        Ipv6 = key.Family == IPFamily.IPv6,
        Protocol = (uint)(key.Protocol ?? 0),
        Port = key.Port,
        RoutingInstance = (uint)key.RoutingInstance,
    };

    private static VRouter.V1.RoutingInstance Message(RoutingInstance instance) => new() { Number = (uint)instance.Number, Label = instance.Label };

    private static VRouter.V1.VpnRouteKey Message(VpnRouteKey key) => new()
    {
        RoutingInstance = (uint)key.RoutingInstance,
        Prefix = Bytes(key.Prefix.BaseAddress),
        PrefixLength = (uint)key.Prefix.PrefixLength,
    };

    private static VRouter.V1.VpnRoute Message(VpnRoute route)
    {
        var message = new VRouter.V1.VpnRoute { Key = Message(route.Key) };
        message.Paths.AddRange(route.Paths.Select(p => new VRouter.V1.VpnPath
        {
            NextHop = Bytes(p.NextHop),
            Label = p.Label,
            MplsOverUdp = p.MplsOverUdp,
            MplsOverGre = p.MplsOverGre,
        }));
        return message;
    }

    private static Probe Message(VRouterProbe probe) => new()
    {
        Uid = Bytes(probe.Uid),
        Address = Bytes(probe.Address),
        MonitorType = probe.Check.MonitorType switch
        {
            MonitorType.HTTP => VRouter.V1.MonitorType.Http,
            MonitorType.TCP => VRouter.V1.MonitorType.Tcp,
            _ => VRouter.V1.MonitorType.Ping,
        },
        DelaySeconds = (uint)Math.Max(0, probe.Check.Delay),
        TimeoutSeconds = (uint)Math.Max(0, probe.Check.Timeout),
        MaxRetries = (uint)Math.Max(0, probe.Check.MaxRetries),
        HttpMethod = probe.Check.HttpMethod ?? "",
        UrlPath = probe.Check.UrlPath ?? "",
        ExpectedCodes = probe.Check.ExpectedCodes.ToString(),
        Port = probe.Check.Port ?? 0u,
        LastKnown = probe.LastKnown switch
        {
            EndpointHealth.Healthy => Health.Healthy,
            EndpointHealth.Unhealthy => Health.Unhealthy,
            _ => Health.Unknown,
        },
    };

    private static ByteString Bytes(IPAddress address) => UnsafeByteOperations.UnsafeWrap(address.GetAddressBytes());

    private static ByteString Bytes(Guid uid) => UnsafeByteOperations.UnsafeWrap(uid.ToByteArray(bigEndian: true));
}
