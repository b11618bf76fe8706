using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Resources;
using CN2.Network.Selection;
using CN2.Network.Sequencing;
using CN2.Network.Status;
using CN2.VRouter.V1;
using Google.Protobuf;
using EndpointHealth = CN2.Network.Resources.EndpointHealth;
using MonitorType = CN2.Network.Resources.MonitorType;
using NatEntryKey = CN2.Network.Compilation.NatEntryKey;
using RoutingInstance = CN2.Network.Overlay.RoutingInstance;
using SlotBudget = CN2.Network.Compilation.SlotBudget;
using VpnRoute = CN2.Network.Overlay.VpnRoute;
using VpnRouteKey = CN2.Network.Overlay.VpnRouteKey;

namespace CN2.Api.Drivers.VRouterStream;

/// <summary>The driver's types to and from the messages of vrouter.proto. Pure.</summary>
internal static class VRouterMessages
{
    /// <summary>Aim for a part, well under the 4 MB that gRPC clients take and the 1 MB that we promise.</summary>
    private const int PartBytes = 512 * 1024;

    /// <summary>What is sent as one message; the rest of a megabyte is for what the estimates of sizes leave out.</summary>
    private const int LargestMessage = 1000 * 1024;

    private const int InstanceBytes = 16;

    /// <summary>RoutingInstances whose counters are read, the lowest numbers first: each is a series of the metrics.</summary>
    private const int MostCounted = 4096;

    /// <summary>Faults of a node that are read, the first ones.</summary>
    private const int MostFaults = 16;

    private const int LongestReason = 64;

    /// <summary>The first message to every agent.</summary>
    /// <param name="pulse">How often it is to send a Pulse; null: not at all.</param>
    public static ServerMessage Welcome(TimeSpan? pulse) => new() { Welcome = new Welcome { TakesRefusals = true, PulseMilliseconds = (uint)(pulse?.TotalMilliseconds ?? 0) } };

    /// <summary>Does the node at this address answer?</summary>
    public static ServerMessage Question(ulong number, IPAddress address, TimeSpan within) => new()
    {
        WitnessQuestion = new WitnessQuestion { Number = number, Address = ByteString.CopyFrom(address.GetAddressBytes()), WithinMilliseconds = (uint)within.TotalMilliseconds },
    };

    /// <summary>Reads what is refused; items whose key is none are left out, because they belong to nobody.</summary>
    public static IReadOnlyList<VRouterRefusal> Read(IEnumerable<Refusal> refused)
    {
        var read = new Dictionary<VirtualRouterItem, string>();
        foreach (var refusal in refused)
        {
            if (read.Count < RefusalProtocol.MaximumRefusals && Item(refusal.Item) is { } item) read[item] = ForeignText.Of(refusal.Reason) ?? "the agent gives no reason";
        }

        return [.. read.Select(r => new VRouterRefusal(r.Key, r.Value))];
    }

    private static VirtualRouterItem? Item(ItemKey? key)
    {
        switch (key?.ItemCase)
        {
            case ItemKey.ItemOneofCase.NatEntry:
                return Key(key.NatEntry) is { } entry ? new VirtualRouterItem.NatEntry(entry) : null;
            case ItemKey.ItemOneofCase.FloatingIp:
                return Address(key.FloatingIp) is { } address ? new VirtualRouterItem.FloatingIP(address) : null;
            case ItemKey.ItemOneofCase.Probe:
                return key.Probe.Length == 16 ? new VirtualRouterItem.Probe(new Guid(key.Probe.Span, bigEndian: true)) : null;
            case ItemKey.ItemOneofCase.RoutingInstance:
                return key.RoutingInstance is >= 1 and <= ushort.MaxValue ? new VirtualRouterItem.RoutingInstance((int)key.RoutingInstance) : null;
            case ItemKey.ItemOneofCase.VpnRoute:
                var route = key.VpnRoute;
                return route.RoutingInstance <= ushort.MaxValue && Address(route.Prefix) is { } prefix && IPNetwork.TryParse($"{prefix}/{route.PrefixLength}", out var network)
                    ? new VirtualRouterItem.VpnRoute(new VpnRouteKey((int)route.RoutingInstance, network))
                    : null;
            default:
                return null; // of a later version
        }
    }

    private static NatEntryKey? Key(VRouter.V1.NatEntryKey key)
    {
        var address = key.Address.IsEmpty ? null : Address(key.Address);
        if ((address is null && !key.Address.IsEmpty) || key.Port > ushort.MaxValue || key.RoutingInstance > ushort.MaxValue) return null;
        if (key.Protocol is not (0 or 6 or 17 or 132)) return null;
        TransportProtocol? protocol = key.Protocol == 0 ? null : (TransportProtocol)key.Protocol;
        var family = address?.FamilyOf() ?? (key.Ipv6 ? IPFamily.IPv6 : IPFamily.IPv4);
        return new NatEntryKey(family, address, protocol, (ushort)key.Port, (int)key.RoutingInstance);
    }

    private static IPAddress? Address(ByteString bytes) => bytes.Length is 4 or 16 ? new IPAddress(bytes.Span) : null;

    /// <summary>A change in one message, or in parts when it is large, without <see cref="VRouterDelta.CommonNatEntries"/>. Null: it is large, and the agent takes no parts.</summary>
    public static IReadOnlyList<ServerMessage>? Deltas(ulong revision, VRouterDelta delta, bool takesParts, bool takesInside)
    {
        var whole = Delta(revision, delta, takesInside);
        if (whole.CalculateSize() <= LargestMessage) return [whole];
        return takesParts ? Parts(whole.Delta) : null;
    }

    /// <summary>The first parts of a change, which are the same for many agents. The rest of it must follow.</summary>
    public static IReadOnlyList<ServerMessage> FirstParts(ulong revision, NatEntryChanges changes, bool takesInside)
    {
        var parts = Parts(Delta(revision, new VRouterDelta(changes.Put, [], [], changes.Removed, [], []), takesInside).Delta);
        foreach (var part in parts) part.Delta.More = true;
        return parts;
    }

    /// <summary>Cuts a change into parts of about <see cref="PartBytes"/>. Removals come first: an item is put again after it was removed.</summary>
    private static List<ServerMessage> Parts(Delta whole)
    {
        var parts = new List<ServerMessage>();
        Delta part = null!;
        var size = 0;
        Begin();
        foreach (var key in whole.RemovedNatEntries) Room(key.CalculateSize()).RemovedNatEntries.Add(key);
        foreach (var address in whole.RemovedFloatingIps) Room(address.Length).RemovedFloatingIps.Add(address);
        foreach (var uid in whole.RemovedProbes) Room(uid.Length).RemovedProbes.Add(uid);
        foreach (var number in whole.RemovedRoutingInstances) Room(4).RemovedRoutingInstances.Add(number);
        foreach (var key in whole.RemovedVpnRoutes) Room(key.CalculateSize()).RemovedVpnRoutes.Add(key);
        foreach (var key in whole.RemovedAttachments) Room(key.CalculateSize()).RemovedAttachments.Add(key);
        foreach (var key in whole.RemovedCarriers) Room(key.CalculateSize()).RemovedCarriers.Add(key);
        foreach (var network in whole.RemovedInside) Room(network.Length).RemovedInside.Add(network);
        foreach (var entry in whole.Put.NatEntries) Room(entry.CalculateSize()).Put.NatEntries.Add(entry);
        foreach (var address in whole.Put.FloatingIps) Room(address.Length).Put.FloatingIps.Add(address);
        foreach (var probe in whole.Put.Probes) Room(probe.CalculateSize()).Put.Probes.Add(probe);
        foreach (var instance in whole.Put.RoutingInstances) Room(instance.CalculateSize()).Put.RoutingInstances.Add(instance);
        foreach (var route in whole.Put.VpnRoutes) Room(route.CalculateSize()).Put.VpnRoutes.Add(route);
        foreach (var attachment in whole.Put.Attachments) Room(attachment.CalculateSize()).Put.Attachments.Add(attachment);
        foreach (var holder in whole.Put.EndpointHolders) Room(holder.CalculateSize()).Put.EndpointHolders.Add(holder);
        foreach (var carriers in whole.Put.Carriers) Room(carriers.CalculateSize()).Put.Carriers.Add(carriers);
        foreach (var network in whole.Put.Inside) Room(network.Length).Put.Inside.Add(network);
        part.More = false;
        return parts;

        Delta Room(int bytes)
        {
            if (size > 0 && size + bytes > PartBytes) Begin();
            size += bytes + 4;
            return part;
        }

        void Begin()
        {
            part = new Delta { Revision = whole.Revision, More = true, Put = new Items() };
            parts.Add(new ServerMessage { Delta = part });
            size = 0;
        }
    }

    private static ServerMessage Delta(ulong revision, VRouterDelta delta, bool takesInside)
    {
        var put = new Items();
        var nothing = new List<VRouter.V1.NatEntryKey>();
        foreach (var message in delta.NatEntries.Select(e => Message(e, takesInside)))
        {
            // What the agent had before under this key goes all the same.
            if (IsNothing(message)) nothing.Add(message.Key);
            else put.NatEntries.Add(message);
        }

        put.FloatingIps.AddRange(delta.FloatingIPs.Select(Bytes));
        put.Probes.AddRange(delta.Probes.Select(Message));
        put.RoutingInstances.AddRange(delta.RoutingInstances.Select(Message));
        put.VpnRoutes.AddRange(delta.VpnRoutes.Select(Message));
        put.Attachments.AddRange(delta.Attachments.Select(Message));
        put.EndpointHolders.AddRange(delta.EndpointHolders.Select(Message));
        put.Carriers.AddRange(delta.Carriers.Select(Message));
        put.Inside.AddRange(delta.Inside.Select(n => n.ToString()));
        var whole = new Delta { Revision = revision, Put = put };
        whole.RemovedNatEntries.AddRange(delta.RemovedNatEntries.Select(Message));
        whole.RemovedNatEntries.AddRange(nothing);
        whole.RemovedFloatingIps.AddRange(delta.RemovedFloatingIPs.Select(Bytes));
        whole.RemovedProbes.AddRange(delta.RemovedProbes.Select(Bytes));
        whole.RemovedRoutingInstances.AddRange(delta.RemovedRoutingInstances.Select(n => (uint)n));
        whole.RemovedVpnRoutes.AddRange(delta.RemovedVpnRoutes.Select(Message));
        whole.RemovedAttachments.AddRange(delta.RemovedAttachments.Select(Message));
        whole.RemovedCarriers.AddRange(delta.RemovedCarriers.Select(Message));
        whole.RemovedInside.AddRange(delta.RemovedInside.Select(n => n.ToString()));
        return new ServerMessage { Delta = whole };
    }

    /// <summary>Reads a hello; every fault at once.</summary>
    public static VRouterHello? Read(Hello hello, IPAddress? source, List<string> faults)
    {
        if (NameSyntax.FaultOfDnsLabel(hello.Name) is { } nameFault) faults.Add($"name: {nameFault}");
        var address = hello.Address.Length == 4 ? new IPAddress(hello.Address.Span) : null;
        if (address is null) faults.Add("address: expected the 4 bytes of an IPv4 address");
        else if (HostAddress.FaultOf(address) is { } addressFault) faults.Add($"address: {addressFault}");
        var address6 = hello.Address6.Length == 16 ? new IPAddress(hello.Address6.Span) : null;
        if (address6 is null && !hello.Address6.IsEmpty) faults.Add("address6: expected the 16 bytes of an IPv6 address, or nothing");
        else if (address6 is not null && HostAddress.FaultOf(address6) is { } address6Fault) faults.Add($"address6: {address6Fault}");
        if (hello.Instance.Length is not (0 or InstanceBytes)) faults.Add($"instance: expected {InstanceBytes} bytes, or nothing");
        if (hello.OverlayEngine is not ("" or "userspace" or "kernel")) faults.Add($"overlay_engine \"{ForeignText.Of(hello.OverlayEngine)}\": expected userspace, kernel or nothing");
        if (faults.Count > 0) return null;
        return new VRouterHello(hello.Name, address!, address6, ForeignText.Of(hello.AgentVersion) ?? "", hello.OverlayEngine.Length == 0 ? null : hello.OverlayEngine)
        {
            Instance = hello.Instance.IsEmpty ? null : Convert.ToHexStringLower(hello.Instance.Span),
            Connection = (long)Math.Min(hello.Connection, long.MaxValue),
            Source = source,
            OtherServers = hello.OtherServers is { } others ? new VRouterOtherServers(others.Preferred, TimeSpan.FromSeconds(others.StaysSeconds)) : null,
        };
    }

    /// <summary>Reads what was found on the node; what has no reason or no message is left out. Null: the agent does not look.</summary>
    public static IReadOnlyList<VRouterNodeFault>? Read(NodeReport? report)
    {
        if (report is null) return null;
        var faults = new List<VRouterNodeFault>();
        foreach (var fault in report.Faults)
        {
            if (faults.Count < MostFaults && IsReason(fault.Reason) && ForeignText.Of(fault.Message) is { } message) faults.Add(new(fault.Reason, message, fault.Suspicion, Traffic(fault.Traffic)));
        }

        return faults;
    }

    /// <summary>What this version does not know may be anything; agents before the field say nothing, and mean all.</summary>
    private static TrafficKinds Traffic(uint bits) => bits is 0 or > (uint)TrafficKinds.All ? TrafficKinds.All : (TrafficKinds)bits;

    private static bool IsReason(string text) => text.Length is > 0 and <= LongestReason && char.IsAsciiLetterUpper(text[0]) && text.All(char.IsAsciiLetterOrDigit);

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
            [.. instances.Values.Take(MostCounted)], Count(counters.UnknownLabel), Count(counters.UnknownSource), Count(counters.Malformed), Count(counters.TtlExpired),
            Count(counters.Oversize), Count(counters.SendErrors))
        {
            NotFromUplink = Count(counters.NotFromUplink),
        };
    }

    public static VRouterIcmpCounters Read(IcmpCounters counters) => new(
        Count(counters.NoFlow), Count(counters.OverLimit), Count(counters.Sent), Count(counters.Received), Count(counters.Delivered), Count(counters.Refused), Count(counters.Unmatched));

    private static long Count(ulong value) => (long)Math.Min(value, long.MaxValue);

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
            ForeignText.Of(e.Message)))];

    /// <summary>An entry that consists of what the agent does not know.</summary>
    internal static bool IsNothing(NatEntry message) => message.Backends.Count + message.Draining.Count + message.Inside.Count == 0;

    internal static NatEntry Message(VirtualRouterNatEntry natEntry, bool takesInside)
    {
        var message = new NatEntry
        {
            Key = Message(natEntry.Key),
            ClientIpAffinity = natEntry.ClientIPAffinity,
            RefusesOthers = natEntry.RefusesOthers,
            AnswersPing = natEntry.AnswersPing,
            MostSlots = natEntry.MostSlots == SlotBudget.Most ? 0 : (uint)natEntry.MostSlots,
        };
        if (takesInside) message.Inside.AddRange(natEntry.Inside.Select(Message));
        message.Backends.AddRange(natEntry.Backends.Select(Message));
        message.Draining.AddRange(natEntry.Draining.Select(Message));
        message.SourceRanges.AddRange(natEntry.SourceRanges.Select(r => r.ToString()));
        return message;
    }

    private static Backend Message(VirtualRouterBackend backend) =>
        new() { Address = Bytes(backend.Address), Port = backend.Port, Local = backend.Local, Weight = backend.Weight == VirtualMachineInterface.LowestWeight ? 0 : (uint)backend.Weight };

    private static VRouter.V1.NatEntryKey Message(NatEntryKey key) => new()
    {
        Address = key.Address is null ? ByteString.Empty : Bytes(key.Address),
        Ipv6 = key.Family == IPFamily.IPv6,
        Protocol = (uint)(key.Protocol ?? 0),
        Port = key.Port,
        RoutingInstance = (uint)key.RoutingInstance,
    };

    internal static VRouter.V1.RoutingInstance Message(RoutingInstance instance) => new() { Number = (uint)instance.Number, Label = instance.Label };

    private static VRouter.V1.VpnRouteKey Message(VpnRouteKey key) => new()
    {
        RoutingInstance = (uint)key.RoutingInstance,
        Prefix = Bytes(key.Prefix.BaseAddress),
        PrefixLength = (uint)key.Prefix.PrefixLength,
    };

    internal static VRouter.V1.VpnRoute Message(VpnRoute route)
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

    private static AttachmentKey Message(VRouterAttachmentKey key) => new() { FloatingIp = Bytes(key.FloatingIP), RoutingInstance = (uint)key.RoutingInstance };

    internal static Attachment Message(VRouterAttachment attachment)
    {
        var message = new Attachment { Key = Message(attachment.Key), Service = attachment.Service is { } service ? Bytes(service) : ByteString.Empty };
        message.Endpoints.AddRange(attachment.Endpoints.Select(Bytes));
        return message;
    }

    internal static EndpointHolder Message(VRouterEndpointHolder holder) => new() { Address = Bytes(holder.Address), Uid = Bytes(holder.Endpoint) };

    internal static Carriers Message(VRouterCarriers carriers)
    {
        var message = new Carriers { Key = Message(carriers.Key) };
        message.Nodes.AddRange(carriers.Nodes.Select(Bytes));
        return message;
    }

    internal static Probe Message(VRouterProbe probe) => new()
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

    internal static ByteString Bytes(IPAddress address) => UnsafeByteOperations.UnsafeWrap(address.GetAddressBytes());

    private static ByteString Bytes(Guid uid) => UnsafeByteOperations.UnsafeWrap(uid.ToByteArray(bigEndian: true));
}
