using System.Net;
using CN2.VRouter.V1;
using Google.Protobuf;

namespace CN2.VRouter.Tests;

/// <summary>Messages with invalid contents: each is reported and left out, the others are applied.</summary>
public sealed class DesiredStateTests
{
    private const string Good = "100.0.0.4";

    private readonly DesiredState _desired = new(IPAddress.Parse("172.16.0.1"), IPAddress.Parse("fd00:16::1"));

    public static TheoryData<string, Action<NatEntry>> BadEntries => new()
    {
        { "an entry has no key", f => f.Key = null },
        { "port 65536 of an entry is no port", f => f.Key.Port = 65536 },
        { "an entry has a protocol without a port, or a port without a protocol", f => f.Key.Port = 0 },
        { "an entry has a protocol without a port, or a port without a protocol", f => f.Key.Protocol = 0 },
        { "protocol 1 of an entry is none of TCP (6), UDP (17), SCTP (132)", f => f.Key.Protocol = 1 },
        { "a node port has no protocol or no port", f => f.Key = new NatEntryKey { Protocol = 6 } },
        { "an address has 5 bytes; expected 4 or 16", f => f.Key.Address = ByteString.CopyFrom(1, 2, 3, 4, 5) },
        { "an address of a FloatingIP or an endpoint: '127.0.0.1' is a loopback address; give a unicast address that other hosts can reach.", f => f.Key.Address = Wire.Address("127.0.0.1") },
        { "an address of a FloatingIP or an endpoint: '0.0.0.0' is in 0.0.0.0/8, which means this host; give a unicast address that other hosts can reach.", f => f.Key.Address = Wire.Address("0.0.0.0") },
        { "an address of a FloatingIP or an endpoint: 'ff02::1' is a multicast address; give a unicast address that other hosts can reach.", f => f.Key.Address = Wire.Address("ff02::1") },
        { "172.16.0.1 is an address of this node or of its server and no FloatingIP", f => f.Key.Address = Wire.Address("172.16.0.1") },
        { "the entry 100.0.0.5 TCP/80 has no backend", f => f.Backends.Clear() },
        { "the entry 100.0.0.5 TCP/80 is for callers inside and has a backend on this node", f => ForInside(f, local: true) },
        { "the entry 100.0.0.5 TCP/80 in RoutingInstance 7 is for callers inside; only entries of an address in the underlay can be", f => ForInside(f.In(7), local: false) },
        { "the entry 100.0.0.5 TCP/80 has a backend of the other family", f => f.Backends[0].Address = Wire.Address("fd00::1") },
        { "port 65536 of a backend is no port", f => f.Backends[0].Port = 65536 },
        { "weight 101 of a backend is more than 100", f => f.Backends[0].Weight = 101 },
        { "an address of a FloatingIP or an endpoint: '224.0.0.1' is a multicast address; give a unicast address that other hosts can reach.", f => f.Backends[0].Address = Wire.Address("224.0.0.1") },
        { "a source range: 'everybody' is not a network; write it with its prefix length, such as 100.0.0.0/24.", f => f.SourceRanges.Add("everybody") },
    };

    public static TheoryData<string, Action<Probe>> BadProbes => new()
    {
        { "a uid has 0 bytes; expected 16", p => p.Uid = ByteString.Empty },
        { "an address has 0 bytes; expected 4 or 16", p => p.Address = ByteString.Empty },
        { "probe type 7 is unknown", p => p.MonitorType = (MonitorType)7 },
        { "port 0 of a probe is no port", p => p.Port = 0 },
        { "port 65536 of a probe is no port", p => p.Port = 65536 },
        { "the expected codes of a probe: '2xx' is not a list of codes and ranges from 100 to 599, such as 200-299,304.", p => p.ExpectedCodes = "2xx" },
        { "the delay of a probe is 4294967295 s; expected at most 86400", p => p.DelaySeconds = uint.MaxValue },
        { "the timeout of a probe is 4294967295 s; expected at most 86400", p => p.TimeoutSeconds = uint.MaxValue },
    };

    [Theory]
    [MemberData(nameof(BadEntries))]
    public void A_bad_entry_is_reported_and_left_out(string fault, Action<NatEntry> spoil)
    {
        var bad = Wire.NatEntry("100.0.0.5", 80, "10.0.0.1:80");
        spoil(bad);
        Snapshot(Items(bad, Wire.NatEntry(Good, 80, "10.0.0.1:80")));
        Assert.Equal(fault, _desired.Fault);
        Assert.Equal(Good, Assert.Single(_desired.Dataplane.NatEntries).Key.Address?.ToString());
    }

    [Fact]
    public void A_backend_of_a_server_that_knows_no_weights_has_weight_1()
    {
        var entry = Wire.NatEntry(Good, 80, "10.0.0.1:80", "10.0.0.2:80");
        entry.Backends[1].Weight = 100;
        Snapshot(Items(entry));
        Assert.Equal([1, 100], Assert.Single(_desired.Dataplane.NatEntries).Value.Backends.Select(b => b.Weight));
    }

    [Fact]
    public void The_slots_of_a_server_that_says_none_or_impossibly_many_are_8192()
    {
        uint[] sent = [0, 256, 1u << 31];
        Snapshot(Items([.. sent.Select((slots, i) =>
        {
            var entry = Wire.NatEntry($"100.0.0.{i + 1}", 80, "10.0.0.1:80");
            entry.MostSlots = slots;
            return entry;
        })]));
        Assert.Equal([8192, 256, 8192], _desired.Dataplane.NatEntries.Values.OrderBy(e => e.Key).Select(e => e.MostSlots));
    }

    [Fact]
    public void Backends_for_callers_inside_count_where_there_are_no_others()
    {
        var inside = Wire.NatEntry("100.0.0.5", 80, "10.0.0.1:80");
        ForInside(inside, local: false);
        var both = Wire.NatEntry("100.0.0.6", 80, "10.0.0.1:80");
        both.Inside.Add(inside.Inside);
        both.RefusesOthers = both.AnswersPing = true;
        Snapshot(Items(inside, both));
        Assert.Null(_desired.Fault);
        Assert.Equal(
            [("100.0.0.5", true, false, false), ("100.0.0.6", false, true, true)],
            _desired.Dataplane.NatEntries.Values.Select(e => (e.Key.Address!.ToString(), e.InsideOnly, e.RefusesOthers, e.AnswersPing)).Order());
        Assert.All(_desired.Dataplane.NatEntries.Values, e => Assert.Equal(e.InsideOnly, !Assert.Single(e.Backends).Local));
    }

    [Theory]
    [MemberData(nameof(BadProbes))]
    public void A_bad_probe_is_reported_and_left_out(string fault, Action<Probe> spoil)
    {
        var items = Wire.Items();
        items.Probes.Add([Probe(), Probe()]);
        spoil(items.Probes[0]);
        Snapshot(items);
        Assert.Equal(fault, _desired.Fault);
        Assert.Equal(WireMapping.Uid(items.Probes[1].Uid), Assert.Single(_desired.Probes).Key);
    }

    [Theory]
    [InlineData("172.16.0.1", "172.16.0.1 is an address of this node or of its server and no FloatingIP")]
    [InlineData("fd00:16::1", "fd00:16::1 is an address of this node or of its server and no FloatingIP")]
    [InlineData("::1", "an address of a FloatingIP or an endpoint: '::1' is the loopback address; give a unicast address that other hosts can reach.")]
    public void An_address_that_would_cut_the_node_off_is_not_guarded(string address, string fault)
    {
        var items = Wire.Items();
        items.FloatingIps.Add([Wire.Address(address), Wire.Address(Good)]);
        Snapshot(items);
        Assert.Equal(fault, _desired.Fault);
        Assert.Equal(IPAddress.Parse(Good), Assert.Single(_desired.Dataplane.FloatingIPs));
    }

    [Fact]
    public void What_collides_with_the_fence_is_left_out_as_long_as_it_does()
    {
        var items = Items(Wire.NatEntry(Good, 80, "10.0.0.1:80"));
        items.FloatingIps.Add(Wire.Address(Good));
        Snapshot(items);
        _desired.MarkApplied();
        _desired.Fence(new HashSet<IPAddress> { IPAddress.Parse(Good) });
        Assert.Empty(_desired.Dataplane.NatEntries);
        Assert.Empty(_desired.Dataplane.FloatingIPs);
        Assert.Equal(2, _desired.Faults.Count);
        Assert.Single(_desired.Change!.NatEntries);
        // Sent again it is refused again, and it is in force once the fence no longer has the address.
        Assert.True(_desired.Take(Wire.Delta(2, Wire.NatEntry(Good, 80, "10.0.0.2:80"))));
        Assert.Equal(2, _desired.Faults.Count);
        _desired.Fence(new HashSet<IPAddress>());
        Assert.Empty(_desired.Faults);
        Assert.Equal("10.0.0.2", Assert.Single(_desired.Dataplane.NatEntries).Value.Backends[0].Address.ToString());
        Assert.Single(_desired.Dataplane.FloatingIPs);
    }

    [Fact]
    public void An_endpoint_here_with_an_address_of_the_node_is_left_out_and_one_elsewhere_is_not()
    {
        Snapshot(Items(Wire.NatEntry(Good, 80, "10.0.0.1:80")));
        _desired.MarkApplied();
        var bad = Wire.NatEntry(Good, 80, "10.0.0.1:80", "172.16.0.1:22");
        Assert.True(_desired.Take(Wire.Delta(2, bad)));
        Assert.StartsWith("172.16.0.1 is an address of this node or of its server and no endpoint", _desired.Fault, StringComparison.Ordinal);
        Assert.Empty(_desired.Dataplane.NatEntries); // nor what was there before
        Assert.Single(_desired.Change!.NatEntries);

        bad.Backends[1].Local = false;
        Assert.True(_desired.Take(Wire.Delta(3, bad)));
        Assert.Null(_desired.Fault);
        Assert.Single(_desired.Dataplane.NatEntries);

        // An address that the node gets later, and loses again.
        _desired.Fence(new HashSet<IPAddress> { IPAddress.Parse("10.0.0.1") });
        Assert.StartsWith("10.0.0.1 is an address of this node", _desired.Fault, StringComparison.Ordinal);
        Assert.Empty(_desired.Dataplane.NatEntries);
        _desired.Fence(new HashSet<IPAddress>());
        Assert.Null(_desired.Fault);
        Assert.Single(_desired.Dataplane.NatEntries);
    }

    [Fact]
    public void An_entry_that_is_sent_twice_counts_once_across_chunks()
    {
        _desired.Take(new ServerMessage { Snapshot = new Snapshot { Revision = 1, Items = Items(Wire.NatEntry(Good, 80, "10.0.0.1:80")) } });
        var items = Items(Wire.NatEntry(Good, 80, "10.0.0.2:80"));
        var probe = Probe();
        items.Probes.Add([probe, probe]);
        Snapshot(items);
        Assert.Equal($"the entry {Good} TCP/80 is given twice; the first counts (and 1 more)", _desired.Fault);
        Assert.Equal("10.0.0.1", Assert.Single(_desired.Dataplane.NatEntries).Value.Backends[0].Address.ToString());
        Assert.Single(_desired.Probes);
    }

    [Fact]
    public void A_fault_is_reported_until_its_entry_is_corrected_or_removed()
    {
        var bad = Wire.NatEntry(Good, 80, "10.0.0.1:80");
        bad.Backends[0].Port = 65536;
        var worse = Wire.NatEntry("100.0.0.5", 80, "10.0.0.1:80");
        worse.Key.Port = 70000;
        Snapshot(Items(bad, worse));
        _desired.MarkApplied();
        _desired.Take(Wire.Delta(2, Wire.NatEntry("100.0.0.6", 80, "10.0.0.1:80")));
        Assert.Equal("port 65536 of a backend is no port (and 1 more)", _desired.Fault);
        _desired.Take(Wire.Delta(3, Wire.NatEntry(Good, 80, "10.0.0.1:80")));
        Assert.Equal("port 70000 of an entry is no port", _desired.Fault);
        _desired.Take(new ServerMessage { Delta = new Delta { Revision = 4, RemovedNatEntries = { worse.Key } } });
        Assert.Null(_desired.Fault);
        Assert.Equal(2, _desired.Dataplane.NatEntries.Count);
    }

    [Fact]
    public void The_nodes_of_FloatingIPs_are_taken_and_a_list_that_cannot_be_is_passed_over()
    {
        Items Of(params Carriers[] lists) => new() { Carriers = { lists } };
        Snapshot(Of(Carriers(0, "172.16.0.1", "172.16.0.2"), Carriers(7, "172.16.0.1", "172.16.0.3"), Carriers(0x10000, "172.16.0.1"), new Carriers()));
        Assert.Equal([0, 7], _desired.Dataplane.Carriers.Keys.Select(k => k.RoutingInstance).Order());
        Assert.Null(_desired.Fault);
        _desired.MarkApplied();
        _desired.Take(new ServerMessage
        {
            Delta = new Delta
            {
                Revision = 2,
                Put = Of(Carriers(0, "172.16.0.1", "172.16.0.4"), Carriers(8, "fd00::1"), Carriers(9, [.. Enumerable.Range(0, 257).Select(i => $"10.0.{i / 250}.{(i % 250) + 1}")])),
                RemovedCarriers = { Carriers(7).Key, new AttachmentKey() },
            },
        });
        Assert.Equal("172.16.0.4", Assert.Single(_desired.Dataplane.Carriers).Value[1].ToString());
        Assert.Equal([0, 7], _desired.Change!.Carriers.Select(k => k.RoutingInstance).Order());
        _desired.MarkApplied();
        Snapshot(Items());
        Assert.Empty(_desired.Dataplane.Carriers);
    }

    [Fact]
    public void What_is_inside_is_taken_and_what_is_neither_a_node_nor_the_network_of_an_endpoint_is_passed_over()
    {
        Snapshot(new Items { Inside = { "172.16.0.1/32", "10.1.1.0/24", "fd00:16::1/128", "fd00:1:1::/64", "10.0.0.0/8", "fd00::/48", "10.1.1.1/24", "", "x" } });
        Assert.Equal(["10.1.1.0/24", "172.16.0.1/32", "fd00:16::1/128", "fd00:1:1::/64"], _desired.Dataplane.Inside.Select(n => n.ToString()).Order(StringComparer.Ordinal));
        Assert.Null(_desired.Fault);
        _desired.MarkApplied();
        _desired.Take(new ServerMessage { Delta = new Delta { Revision = 2, Put = new Items { Inside = { "10.1.2.0/24" } }, RemovedInside = { "10.1.1.0/24", "10.0.0.0/8" } } });
        Assert.Equal(["10.1.1.0/24", "10.1.2.0/24"], _desired.Change!.Inside.Select(n => n.ToString()).Order(StringComparer.Ordinal));
        Assert.Equal(4, _desired.Dataplane.Inside.Count);
        Assert.False(_desired.Change.IsEmpty);
        Snapshot(Items());
        Assert.Empty(_desired.Dataplane.Inside);
    }

    private static Carriers Carriers(uint routingInstance, params string[] nodes) => new()
    {
        Key = new AttachmentKey { FloatingIp = Wire.Address(Good), RoutingInstance = routingInstance },
        Nodes = { nodes.Select(Wire.Address) },
    };

    private static Items Items(params NatEntry[] natEntries)
    {
        var items = new Items();
        items.NatEntries.Add(natEntries);
        return items;
    }

    private static Probe Probe() => new()
    {
        Uid = WireMapping.Uid(Guid.CreateVersion7()),
        Address = Wire.Address("10.0.0.1"),
        MonitorType = MonitorType.Tcp,
        Port = 80,
        DelaySeconds = 2,
        TimeoutSeconds = 5,
        MaxRetries = 5,
    };

    private void Snapshot(Items items) => _desired.Take(new ServerMessage { Snapshot = new Snapshot { Revision = 1, Last = true, Items = items } });

    private static void ForInside(NatEntry entry, bool local)
    {
        entry.Inside.Add(entry.Backends);
        entry.Backends.Clear();
        foreach (var backend in entry.Inside) backend.Local = local;
    }
}
