using CN2.VRouter.V1;
using Google.Protobuf;

namespace CN2.VRouter.Tests;

/// <summary>One message of each kind, with every field of the frozen proto set to a value that is not its default.</summary>
internal static class WireSamples
{
    private static readonly ByteString Uid = ByteString.CopyFrom([.. Enumerable.Range(0xa0, 16).Select(i => (byte)i)]);

    public static IReadOnlyDictionary<string, IMessage> All { get; } = new Dictionary<string, IMessage>
    {
        ["hello"] = new AgentMessage
        {
            Hello = new Hello
            {
                Name = "compute1",
                Address = Wire.Address("172.27.115.242"),
                Address6 = Wire.Address("fd00::242"),
                AgentVersion = "0.1.0",
                OverlayEngine = "userspace",
            },
        },
        ["applied"] = new AgentMessage { Applied = new Applied { Revision = 7, Error = "nft refused: no memory" } },
        ["health"] = new AgentMessage
        {
            Health = new HealthReport { Endpoints = { new EndpointHealth { Uid = Uid, Health = Health.Unhealthy, Message = "Connection refused" } } },
        },
        ["agent-heartbeat"] = new AgentMessage { Heartbeat = Beat() },
        ["snapshot"] = new ServerMessage { Snapshot = new Snapshot { Revision = 8, Last = true, Items = Items() } },
        ["delta"] = new ServerMessage
        {
            Delta = new Delta
            {
                Revision = 9,
                Put = Items(),
                RemovedNatEntries = { Wire.Key("100.0.0.5", 17, 53) },
                RemovedFloatingIps = { Wire.Address("100.0.0.5") },
                RemovedProbes = { Uid },
                RemovedRoutingInstances = { 6 },
                RemovedVpnRoutes = { Wire.RouteKey(5, "198.51.100.0/24") },
            },
        },
        ["server-heartbeat"] = new ServerMessage { Heartbeat = Beat() },
    };

    private static Heartbeat Beat() => new()
    {
        Repairs = 3,
        Message = "net.ipv4.ip_forward is 0",
        Overlay = new OverlayCounters
        {
            Instances = { new InstanceCounters { RoutingInstance = 5, PacketsIn = 10, BytesIn = 1000, PacketsOut = 20, BytesOut = 2000, NoRoute = 30 } },
            UnknownLabel = 1,
            UnknownSource = 2,
            Malformed = 3,
            TtlExpired = 4,
            Oversize = 5,
            SendErrors = 6,
        },
    };

    private static Items Items() => new()
    {
        NatEntries =
        {
            new NatEntry
            {
                Key = new NatEntryKey { Address = Wire.Address("100.0.0.4"), Protocol = 6, Port = 443, RoutingInstance = 5 },
                Backends = { new Backend { Address = Wire.Address("10.0.0.1"), Port = 8443, Local = true } },
                ClientIpAffinity = true,
                SourceRanges = { "192.0.2.0/24" },
                Draining = { new Backend { Address = Wire.Address("10.0.0.2"), Port = 8443 } },
            },
            new NatEntry { Key = new NatEntryKey { Ipv6 = true, Protocol = 17, Port = 30053 }, Backends = { new Backend { Address = Wire.Address("fd00::1"), Port = 53 } } },
        },
        FloatingIps = { Wire.Address("100.0.0.4") },
        Probes =
        {
            new Probe
            {
                Uid = Uid,
                Address = Wire.Address("10.0.0.1"),
                MonitorType = MonitorType.Ping,
                DelaySeconds = 2,
                TimeoutSeconds = 5,
                MaxRetries = 3,
                HttpMethod = "HEAD",
                UrlPath = "/healthz",
                ExpectedCodes = "200,204,300-302",
                Port = 8080,
                LastKnown = Health.Healthy,
            },
        },
        RoutingInstances = { new RoutingInstance { Number = 5, Label = 21 } },
        VpnRoutes =
        {
            new VpnRoute
            {
                Key = Wire.RouteKey(5, "203.0.113.0/24"),
                Paths = { new VpnPath { NextHop = Wire.Address("172.16.0.2"), Label = 105, MplsOverUdp = true, MplsOverGre = true } },
            },
        },
    };
}
