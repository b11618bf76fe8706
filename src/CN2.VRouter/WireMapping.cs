using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Network.Sequencing;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Inspection;
using CN2.VRouter.Probes;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Proto = CN2.VRouter.V1;

namespace CN2.VRouter;

/// <summary>Turns messages of the stream into the agent's own types, and checks them: after this point all values are well formed. Pure.</summary>
public static partial class WireMapping
{
    private const uint MaximumSeconds = 86_400;

    /// <exception cref="FormatException">The message has an impossible value; the same holds for all methods here.</exception>
    public static NatEntryKey Key(Proto.NatEntryKey? key)
    {
        if (key is null) throw new FormatException("an entry has no key");
        if (key.Port > ushort.MaxValue) throw new FormatException($"port {key.Port} of an entry is no port");
        TransportProtocol? protocol = key.Protocol switch
        {
            0 => null,
            6 => TransportProtocol.TCP,
            17 => TransportProtocol.UDP,
            132 => TransportProtocol.SCTP,
            _ => throw new FormatException($"protocol {key.Protocol} of an entry is none of TCP (6), UDP (17), SCTP (132)"),
        };
        var instance = key.RoutingInstance == 0 ? 0 : InstanceNumber(key.RoutingInstance);
        if (key.Address.IsEmpty)
        {
            if (instance != 0) throw new FormatException($"a node port is in RoutingInstance {instance}; there are none in a VPN");
            if (protocol is null || key.Port == 0) throw new FormatException("a node port has no protocol or no port");
            return new NatEntryKey(key.Ipv6 ? IPFamily.IPv6 : IPFamily.IPv4, null, protocol, (ushort)key.Port);
        }

        if (protocol is null != (key.Port == 0)) throw new FormatException("an entry has a protocol without a port, or a port without a protocol");
        var address = HostAddress(key.Address);
        return new NatEntryKey(address.FamilyOf(), address, protocol, (ushort)key.Port, instance);
    }

    public static DataplaneNatEntry NatEntry(Proto.NatEntry natEntry)
    {
        var key = Key(natEntry.Key);
        var ranges = natEntry.SourceRanges.Select(Range).ToEquatableList();
        if (natEntry.Backends.Count + natEntry.Draining.Count + natEntry.Inside.Count == 0) throw new FormatException($"the entry {key} has no backend");
        var insideOnly = natEntry.Backends.Count == 0 && natEntry.Inside.Count > 0;
        if (insideOnly && (key.Address is null || key.RoutingInstance != 0)) throw new FormatException($"the entry {key} is for callers inside; only entries of an address in the underlay can be");
        if (insideOnly && natEntry.Inside.Any(b => b.Local)) throw new FormatException($"the entry {key} is for callers inside and has a backend on this node");
        return new DataplaneNatEntry(key, Backends(key, insideOnly ? natEntry.Inside : natEntry.Backends), Backends(key, natEntry.Draining), natEntry.ClientIpAffinity, ranges)
        {
            InsideOnly = insideOnly,
            RefusesOthers = key.Address is not null && natEntry.RefusesOthers,
            AnswersPing = key.Address is not null && natEntry.AnswersPing,
            MostSlots = natEntry.MostSlots is 0 or > SlotBudget.Most ? SlotBudget.Most : (int)natEntry.MostSlots,
        };
    }

    public static FloatingIPPlace Place(Proto.AttachmentKey? key)
    {
        if (key is null) throw new FormatException("an attachment has no key");
        return new FloatingIPPlace(key.RoutingInstance == 0 ? 0 : InstanceNumber(key.RoutingInstance), HostAddress(key.FloatingIp));
    }

    public static FloatingIPAttachment Attachment(Proto.Attachment attachment) =>
        new(attachment.Service.IsEmpty ? null : Uid(attachment.Service), attachment.Endpoints.Select(HostAddress).ToEquatableList());

    public static EquatableList<IPAddress> Nodes(Proto.Carriers carriers) => carriers.Nodes.Count <= Limits.CarriersOfFloatingIP
        ? carriers.Nodes.Select(NodeAddress).ToEquatableList()
        : throw new FormatException($"a FloatingIP has {carriers.Nodes.Count} nodes; expected at most {Limits.CarriersOfFloatingIP}");

    private static IPAddress NodeAddress(ByteString bytes) => bytes.Length == 4
        ? HostAddress(bytes)
        : throw new FormatException($"the address of a node has {bytes.Length} bytes; expected the 4 of an IPv4 address");

    /// <summary>A node, or the network of an endpoint; a later server may send others.</summary>
    public static IPNetwork Inside(string text)
    {
        if (!AddressSyntax.TryParseNetwork(text, out var network, out var error)) throw new FormatException($"a network inside: {error}");
        return network == EndpointNetwork.OfNode(network.BaseAddress) || network == EndpointNetwork.Of(network.BaseAddress)
            ? network
            : throw new FormatException($"\"{text}\" is neither a node nor the network of an endpoint");
    }

    public static Proto.IcmpCounters Counters(RelayCounters counters) => new()
    {
        NoFlow = (ulong)counters.NoFlow,
        OverLimit = (ulong)counters.OverLimit,
        Sent = (ulong)counters.Sent,
        Received = (ulong)counters.Received,
        Delivered = (ulong)counters.Delivered,
        Refused = (ulong)counters.Refused,
        Unmatched = (ulong)counters.Unmatched,
    };

    public static ProbeTarget Probe(Proto.Probe probe) => new(
        Uid(probe.Uid),
        ProbedAddress(probe.Address),
        probe.MonitorType switch
        {
            Proto.MonitorType.Http => MonitorType.HTTP,
            Proto.MonitorType.Tcp => MonitorType.TCP,
            Proto.MonitorType.Ping => MonitorType.PING,
            _ => throw new FormatException($"probe type {probe.MonitorType} is unknown"),
        },
        Seconds("delay", probe.DelaySeconds),
        Seconds("timeout", probe.TimeoutSeconds),
        (int)Math.Clamp(probe.MaxRetries, 1, int.MaxValue),
        probe.HttpMethod == "HEAD" ? "HEAD" : "GET", // a server of version n-1 may still send POST; a probe must change nothing
        probe.UrlPath.Length == 0 ? "/" : probe.UrlPath,
        Codes(probe.ExpectedCodes),
        probe.Port <= ushort.MaxValue && (probe.Port > 0 || probe.MonitorType != Proto.MonitorType.Tcp)
            ? (int)probe.Port
            : throw new FormatException($"port {probe.Port} of a probe is no port"),
        Health(probe.LastKnown));

    public static IPAddress Address(ByteString bytes) => bytes.Length is 4 or 16
        ? new IPAddress(bytes.Span)
        : throw new FormatException($"an address has {bytes.Length} bytes; expected 4 or 16");

    /// <summary>Of a FloatingIP or an endpoint. Guarding a loopback address, say, would cut the node off from itself.</summary>
    public static IPAddress HostAddress(ByteString bytes)
    {
        var address = Address(bytes);
        return Network.Addressing.HostAddress.FaultOf(address) is { } fault ? throw new FormatException($"an address of a FloatingIP or an endpoint: {fault}") : address;
    }

    /// <summary>The node's own services, and those of its link, are not for users to ask.</summary>
    private static IPAddress ProbedAddress(ByteString bytes)
    {
        var address = Address(bytes);
        return EndpointAddress.FaultOf(address) is { } fault ? throw new FormatException($"the address of a probe: {fault}") : address;
    }

    public static Guid Uid(ByteString bytes) => bytes.Length == 16
        ? new Guid(bytes.Span, bigEndian: true)
        : throw new FormatException($"a uid has {bytes.Length} bytes; expected 16");

    public static ByteString Uid(Guid uid) => ByteString.CopyFrom(uid.ToByteArray(bigEndian: true));

    public static Proto.Health Health(EndpointHealth health) => health switch
    {
        EndpointHealth.Healthy => Proto.Health.Healthy,
        EndpointHealth.Unhealthy => Proto.Health.Unhealthy,
        _ => Proto.Health.Unknown,
    };

    public static Proto.ItemKey Item(VirtualRouterItem item) => item switch
    {
        VirtualRouterItem.NatEntry entry => new Proto.ItemKey { NatEntry = Key(entry.Key) },
        VirtualRouterItem.FloatingIP floatingIP => new Proto.ItemKey { FloatingIp = ByteString.CopyFrom(floatingIP.Address.GetAddressBytes()) },
        VirtualRouterItem.RoutingInstance instance => new Proto.ItemKey { RoutingInstance = (uint)instance.Number },
        VirtualRouterItem.VpnRoute route => new Proto.ItemKey { VpnRoute = Key(route.Key) },
        _ => throw new ArgumentOutOfRangeException(nameof(item)),
    };

    private static Proto.NatEntryKey Key(NatEntryKey key) => new()
    {
        Address = key.Address is null ? ByteString.Empty : ByteString.CopyFrom(key.Address.GetAddressBytes()),
        Ipv6 = key.Family == IPFamily.IPv6,
        Protocol = (uint)(key.Protocol ?? 0),
        Port = key.Port,
        RoutingInstance = (uint)key.RoutingInstance,
    };

    private static Proto.VpnRouteKey Key(Network.Overlay.VpnRouteKey key) => new()
    {
        RoutingInstance = (uint)key.RoutingInstance,
        Prefix = ByteString.CopyFrom(key.Prefix.BaseAddress.GetAddressBytes()),
        PrefixLength = (uint)key.Prefix.PrefixLength,
    };

    public static Proto.AgentMessage HealthReport(IEnumerable<ProbeReport> reports)
    {
        var health = new Proto.HealthReport();
        health.Endpoints.AddRange(reports.Select(r => new Proto.EndpointHealth { Uid = Uid(r.Uid), Health = Health(r.Health), Message = r.Message }));
        return new Proto.AgentMessage { Health = health };
    }

    public static Proto.NodeReport NodeReport(IEnumerable<NodeFault> faults)
    {
        var report = new Proto.NodeReport();
        report.Faults.AddRange(faults.Select(f => new Proto.NodeFault { Reason = f.Reason, Message = f.Message, Suspicion = !f.Stops, Traffic = (uint)f.Traffic }));
        return report;
    }

    private static EndpointHealth Health(Proto.Health health) => health switch
    {
        Proto.Health.Healthy => EndpointHealth.Healthy,
        Proto.Health.Unhealthy => EndpointHealth.Unhealthy,
        _ => EndpointHealth.Unknown,
    };

    // Sorted here too: the draw must not depend on the order of the server, and later code compares neighbours. Most lists have one member or none, and a snapshot has hundreds of thousands.
    private static EquatableList<DataplaneBackend> Backends(NatEntryKey key, RepeatedField<Proto.Backend> backends) => backends.Count switch
    {
        0 => [],
        1 => [Backend(key, backends[0])],
        _ => backends.Select(b => Backend(key, b)).Distinct()
            .OrderBy(b => b.Address, Comparer<IPAddress>.Create(AddressArithmetic.Compare)).ThenBy(b => b.Port)
            .ToEquatableList(),
    };

    private static DataplaneBackend Backend(NatEntryKey key, Proto.Backend backend)
    {
        var address = HostAddress(backend.Address);
        if (address.FamilyOf() != key.Family) throw new FormatException($"the entry {key} has a backend of the other family");
        if (backend.Port > ushort.MaxValue) throw new FormatException($"port {backend.Port} of a backend is no port");
        if (backend.Weight > VirtualMachineInterface.HighestWeight)
            throw new FormatException($"weight {backend.Weight} of a backend is more than {VirtualMachineInterface.HighestWeight}");
        // One to one always keeps the port.
        return new DataplaneBackend(
            address, key.Protocol is null ? (ushort)0 : (ushort)backend.Port, backend.Local, backend.Weight == 0 ? VirtualMachineInterface.LowestWeight : (int)backend.Weight);
    }

    // A timer cannot run longer than 49 days.
    private static TimeSpan Seconds(string what, uint seconds) => seconds <= MaximumSeconds
        ? TimeSpan.FromSeconds(Math.Max(1, seconds))
        : throw new FormatException($"the {what} of a probe is {seconds} s; expected at most {MaximumSeconds}");

    private static IPNetwork Range(string text) => AddressSyntax.TryParseNetwork(text, out var range, out var error)
        ? range
        : throw new FormatException($"a source range: {error}");

    private static ExpectedCodes Codes(string text) =>
        text.Length == 0 ? ExpectedCodes.Default
        : ExpectedCodes.TryParse(text, out var codes, out var error) ? codes
        : throw new FormatException($"the expected codes of a probe: {error}");
}
