using System.Net;
using System.Text;
using CN2.Api.Drivers;
using CN2.Api.Drivers.VRouterStream;
using CN2.Network.Addressing;
using CN2.Network.Resources;
using CN2.Network.Sequencing;
using CN2.VRouter.V1;
using Google.Protobuf;
using CompiledOwner = CN2.Network.Compilation.CompiledOwner;
using NatEntryKey = CN2.Network.Compilation.NatEntryKey;

namespace CN2.Api.Tests.Drivers.VRouterStream;

/// <summary>Limits of what agents say, and of what one message may hold.</summary>
public sealed class VRouterMessagesTests
{
    [Theory]
    [InlineData("", null)]
    [InlineData(" \0\t\n", null)]
    [InlineData("a\0b\u0007c", "a b c")]
    [InlineData("no\nmemory", "no memory")]
    [InlineData("größer", "größer")]
    public void A_text_has_no_control_characters(string text, string? shown) => Assert.Equal(shown, ForeignText.Of(text));

    [Theory]
    [InlineData(8192, 0u)]
    [InlineData(256, 256u)]
    public void An_agent_is_told_how_many_slots_an_entry_has_where_it_has_fewer_than_most(int slots, uint told)
    {
        var key = new NatEntryKey(IPFamily.IPv4, IPAddress.Parse("100.0.0.4"), TransportProtocol.TCP, 80);
        var entry = new VirtualRouterNatEntry(key, [new VirtualRouterBackend(IPAddress.Parse("10.0.0.1"), 80, true)], false, []) { MostSlots = slots };
        Assert.Equal(told, VRouterMessages.Message(entry, takesInside: true).MostSlots);
    }

    [Fact]
    public void Counters_of_a_limited_number_of_RoutingInstances_are_read()
    {
        var counters = new OverlayCounters();
        for (uint number = 1; number <= ushort.MaxValue; number++) counters.Instances.Add(new InstanceCounters { RoutingInstance = number, PacketsIn = number });
        var read = VRouterMessages.Read(counters).Instances; // /metrics has a series for each
        Assert.Equal((4096, 4096), (read.Count, read[^1].RoutingInstance));
    }

    [Fact]
    public void Half_of_a_surrogate_pair_is_a_space() => Assert.Equal("half   pair", ForeignText.Of("half " + (char)0xd800 + " pair"));

    [Theory]
    [InlineData("a", 1021, false)]
    [InlineData("a", 1022, true)]
    [InlineData("ü", 3_000_000, true)]
    [InlineData("😀", 300, true)]
    public void A_text_is_cut_to_a_KiB_between_characters(string part, int times, bool isCut)
    {
        var shown = ForeignText.Of(string.Concat(Enumerable.Repeat(part, times)))!;
        Assert.InRange(Encoding.UTF8.GetByteCount(shown), 1, 1024);
        Assert.Equal(isCut, shown.EndsWith('…'));
        Assert.Empty(shown.TrimEnd('…').Replace(part, "", StringComparison.Ordinal));
    }

    [Fact]
    public void Texts_of_a_hello_a_report_and_a_refusal_are_cut()
    {
        var hello = VRouterMessages.Read(new Hello { Name = "compute1", Address = ByteString.CopyFrom(10, 0, 0, 1), AgentVersion = new string('v', 9000) + "\0" }, null, []);
        Assert.InRange(hello!.AgentVersion.Length, 1000, 1024);
        var report = new HealthReport { Endpoints = { new VRouter.V1.EndpointHealth { Uid = ByteString.CopyFrom(new byte[16]), Message = new string('m', 9000) } } };
        Assert.InRange(Assert.Single(VRouterMessages.Read(report)).Message!.Length, 1000, 1024);
        var refusal = new Refusal { Item = new ItemKey { RoutingInstance = 5 }, Reason = new string('r', 9000) };
        Assert.InRange(Assert.Single(VRouterMessages.Read([refusal])).Reason.Length, 1000, 1024);
    }

    [Fact]
    public void A_name_with_a_line_break_behind_it_is_refused()
    {
        var faults = new List<string>();
        Assert.Null(VRouterMessages.Read(new Hello { Name = "compute1\n", Address = ByteString.CopyFrom(10, 0, 0, 1) }, null, faults));
        Assert.StartsWith("name: ", Assert.Single(faults), StringComparison.Ordinal);
    }

    [Fact]
    public void Refusals_without_a_readable_key_are_left_out_and_there_are_at_most_4000()
    {
        Refusal[] wrong =
        [
            new(), new() { Item = new ItemKey() }, new() { Item = new ItemKey { FloatingIp = ByteString.CopyFrom(1, 2, 3) } }, new() { Item = new ItemKey { Probe = ByteString.Empty } },
            new() { Item = new ItemKey { NatEntry = new VRouter.V1.NatEntryKey { Port = 70_000, Protocol = 6 } } }, new() { Item = new ItemKey { RoutingInstance = 70_000 } },
            new() { Item = new ItemKey { VpnRoute = new VRouter.V1.VpnRouteKey { RoutingInstance = 1, Prefix = ByteString.CopyFrom(10, 0, 0, 0), PrefixLength = 99 } } },
        ];
        Assert.Empty(VRouterMessages.Read(wrong));
        var many = Enumerable.Range(1, 5000).Select(i => new Refusal { Item = new ItemKey { RoutingInstance = (uint)i } });
        Assert.Equal(4000, VRouterMessages.Read(many).Count);
    }

    [Fact]
    public void A_change_of_any_size_is_cut_into_parts_that_together_are_the_change()
    {
        var delta = Delta(60_000);
        var parts = VRouterMessages.Deltas(9, delta, takesParts: true, takesInside: true)!;
        Assert.True(parts.Count > 4);
        Assert.All(parts, p => Assert.InRange(p.CalculateSize(), 1, 1024 * 1024));
        Assert.All(parts, p => Assert.Equal(9u, p.Delta.Revision));
        Assert.Equal([.. Enumerable.Repeat(true, parts.Count - 1), false], parts.Select(p => p.Delta.More));
        Assert.Equal(60_000, parts.SelectMany(p => p.Delta.Put.NatEntries).Select(e => e.Key).Distinct().Count());
        Assert.Equal(60_000, parts.Sum(p => p.Delta.RemovedFloatingIps.Count));
        Assert.Null(VRouterMessages.Deltas(9, delta, takesParts: false, takesInside: true));
        Assert.False(Assert.Single(VRouterMessages.Deltas(9, Delta(10), takesParts: false, takesInside: true)!).Delta.More);
    }

    [Fact]
    public void Who_FloatingIPs_and_addresses_belong_to_is_cut_into_parts_like_all_else()
    {
        var attachments = Enumerable.Range(0, 30_000).Select(i => new VRouterAttachment(new(0, new IPAddress([100, (byte)(i >> 16), (byte)(i >> 8), (byte)i])), null, [IPAddress.Parse("10.0.0.1")])).ToList();
        var delta = Delta(10) with
        {
            Attachments = attachments,
            RemovedAttachments = [.. attachments.Select(a => a.Key with { RoutingInstance = 5 })],
            EndpointHolders = [.. attachments.Select(a => new VRouterEndpointHolder(a.Key.FloatingIP, Guid.Empty))],
            Carriers = [.. attachments.Select(a => new VRouterCarriers(a.Key, [IPAddress.Parse("10.0.0.1"), IPAddress.Parse("10.0.0.2")]))],
            RemovedCarriers = [.. attachments.Select(a => a.Key with { RoutingInstance = 5 })],
            Inside = [.. attachments.Select(a => EndpointNetwork.OfNode(a.Key.FloatingIP))],
            RemovedInside = [.. attachments.Select(a => EndpointNetwork.OfNode(a.Key.FloatingIP))],
        };
        var parts = VRouterMessages.Deltas(9, delta, takesParts: true, takesInside: true)!;
        Assert.True(parts.Count > 2);
        Assert.Equal(30_000, parts.Sum(p => p.Delta.Put.Attachments.Count));
        Assert.Equal(30_000, parts.Sum(p => p.Delta.RemovedAttachments.Count));
        Assert.Equal(30_000, parts.Sum(p => p.Delta.Put.EndpointHolders.Count));
        Assert.Equal(30_000, parts.Sum(p => p.Delta.Put.Carriers.Count));
        Assert.Equal(30_000, parts.Sum(p => p.Delta.RemovedCarriers.Count));
        Assert.Equal(30_000, parts.SelectMany(p => p.Delta.Put.Inside).Distinct().Count());
        Assert.Equal(30_000, parts.Sum(p => p.Delta.RemovedInside.Count));
        Assert.All(parts, p => Assert.InRange(p.CalculateSize(), 1, 1024 * 1024));
    }

    [Fact]
    public void The_entry_of_the_largest_Service_is_one_message_that_every_agent_takes()
    {
        var backends = Enumerable.Range(0, Limits.EndpointsOfService).Select(i => new VirtualRouterBackend(new IPAddress([0xfd, .. new byte[13], (byte)(i >> 8), (byte)i]), 65535, true)).ToList();
        var ranges = Enumerable.Range(0, Limits.SourceRanges).Select(i => IPNetwork.Parse($"fd00:1111:2222:3333:4444:5555:6666:{i:x}/128")).ToList();
        var entry = new VirtualRouterNatEntry(new NatEntryKey(IPFamily.IPv6, IPAddress.Parse("2001:db8::1"), TransportProtocol.TCP, 80), [.. backends], true, [.. ranges]);
        var change = VRouterMessages.Deltas(9, new VRouterDelta([entry, .. Delta(60_000).NatEntries], [], [], [], [], []), takesParts: true, takesInside: true)!;
        var whole = Snapshot(new VRouterConfig([entry, .. Delta(60_000).NatEntries], [], [], [], []), takesInside: true);
        Assert.All(change.Concat(whole), m => Assert.InRange(m.CalculateSize(), 1, 1024 * 1024));
    }

    [Fact]
    public void An_agent_that_does_not_know_callers_inside_gets_only_what_is_for_everybody()
    {
        var backend = new VirtualRouterBackend(IPAddress.Parse("10.0.0.1"), 80, false);
        var key = new NatEntryKey(IPFamily.IPv4, IPAddress.Parse("100.0.0.4"), TransportProtocol.TCP, 80);
        var inside = new VirtualRouterNatEntry(key, [], false, []) { Inside = [backend] };
        var drains = inside with { Key = key with { Port = 81 }, Draining = [backend with { Local = true }] };
        var delta = new VRouterDelta([inside, drains], [], [], [], [], []);
        var config = new VRouterConfig([inside, drains], [], [], [], []);

        var known = Assert.Single(VRouterMessages.Deltas(9, delta, takesParts: true, takesInside: true)!).Delta;
        Assert.Equal([1, 1], known.Put.NatEntries.Select(e => e.Inside.Count));
        Assert.Empty(known.RemovedNatEntries);
        Assert.Equal(2, Assert.Single(Snapshot(config, takesInside: true)).Snapshot.Items.NatEntries.Count);

        // What such an agent had under the key before is not wanted any more.
        var older = Assert.Single(VRouterMessages.Deltas(9, delta, takesParts: true, takesInside: false)!).Delta;
        Assert.Equal(81u, Assert.Single(older.Put.NatEntries).Key.Port);
        Assert.Empty(older.Put.NatEntries[0].Inside);
        Assert.Equal(80u, Assert.Single(older.RemovedNatEntries).Port);
        Assert.Equal(81u, Assert.Single(Assert.Single(Snapshot(config, takesInside: false)).Snapshot.Items.NatEntries).Key.Port);
    }

    [Fact]
    public void What_vRouters_have_in_common_reaches_each_together_with_its_own_and_is_encoded_once()
    {
        var shared = Enumerable.Range(0, 3000).Select(i => new SharedNatEntries(Compiled(new Guid(i, 0, 0, new byte[8]), i))).ToList();
        IReadOnlyCollection<IPAddress> floatingIPs = [.. Enumerable.Range(0, 20_000).Select(i => new IPAddress([100, 1, (byte)(i >> 8), (byte)i]))];
        var own = new VirtualRouterNatEntry(new NatEntryKey(IPFamily.IPv4, IPAddress.Parse("100.0.0.7"), TransportProtocol.TCP, 80), [new VirtualRouterBackend(IPAddress.Parse("10.0.0.1"), 80, true)], false, []);
        var first = new VRouterConfig(new VirtualRouterNatEntries(shared, new HashSet<Guid> { new Guid(7, 0, 0, new byte[8]) }, [own]), floatingIPs, [], [], []);
        var second = first with { NatEntries = new VirtualRouterNatEntries(shared, new HashSet<Guid>(), []) };

        var chunks = Snapshot(first, takesInside: true);
        Assert.True(chunks.Count > 2);
        Assert.All(chunks, c => Assert.InRange(c.CalculateSize(), 1, 70_000));
        Assert.All(chunks, c => Assert.Equal(9u, c.Snapshot.Revision));
        Assert.Equal([.. Enumerable.Repeat(false, chunks.Count - 1), true], chunks.Select(c => c.Snapshot.Last));
        var entries = chunks.SelectMany(c => c.Snapshot.Items.NatEntries).ToList();
        Assert.Equal(first.NatEntries.Count, entries.Count);
        Assert.Equal(3000, entries.Select(e => e.Key).Distinct().Count());
        Assert.True(Assert.Single(entries, e => e.Key.Address.Span[3] == 7 && e.Key.Address.Span[2] == 0).Backends[0].Local);
        Assert.Equal(20_000, chunks.Sum(c => c.Snapshot.Items.FloatingIps.Count));

        var encoded = shared[0].Encoded;
        Assert.Equal(3000, Snapshot(second, takesInside: true).Sum(c => c.Snapshot.Items.NatEntries.Count));
        Assert.Same(encoded, shared[0].Encoded);

        static CompiledOwner Compiled(Guid owner, int i) => new()
        {
            Owner = owner,
            NatEntries =
            [
                new CN2.Network.Compilation.NatEntry
                {
                    Key = new NatEntryKey(IPFamily.IPv4, new IPAddress([100, 0, (byte)(i >> 8), (byte)i]), TransportProtocol.TCP, 80),
                    Scope = CN2.Network.Compilation.NatEntryScope.EveryVirtualRouter,
                    Backends = [new CN2.Network.Compilation.Backend(IPAddress.Parse("10.0.0.1"), 80, "compute1")],
                },
            ],
            Routes = [],
            EndpointsTotal = 1,
            EndpointsReady = 1,
        };
    }

    private static List<ServerMessage> Snapshot(VRouterConfig config, bool takesInside) =>
        [.. VRouterSnapshot.Encode(9, config, takesInside).Select(c => ServerMessage.Parser.ParseFrom(c.Bytes.Span))];

    private static VRouterDelta Delta(int count)
    {
        var addresses = Enumerable.Range(0, count).Select(i => new IPAddress([100, (byte)(i >> 16), (byte)(i >> 8), (byte)i])).ToList();
        var entries = addresses.Select(a => new VirtualRouterNatEntry(
            new NatEntryKey(IPFamily.IPv4, a, TransportProtocol.TCP, 80), [new VirtualRouterBackend(IPAddress.Parse("10.0.0.1"), 80, true)], false, [])).ToList();
        return new VRouterDelta(entries, [], [], [], addresses, []);
    }
}
