using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Nft;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests.Nft;

/// <summary>Of the new flows of a large entry few are sent elsewhere when an endpoint comes or goes, and a client with affinity keeps its endpoint.</summary>
public sealed partial class FlowSlotsTests(NodeLab lab) : NftLabTest(lab), IClassFixture<NodeLab>
{
    [Theory]
    [InlineData(1, false, 1)]
    [InlineData(31, false, 31)]
    [InlineData(32, false, 512)]
    [InlineData(100, false, 2048)]
    [InlineData(1000, false, 8192)]
    [InlineData(9000, false, 9000)]
    [InlineData(1, true, 1)]
    [InlineData(3, true, 64)]
    public void Entries_draw_from_so_many_numbers(int backends, bool affinity, int numbers)
    {
        var entry = Entry(backends, affinity);
        Assert.Equal(numbers, FlowSlots.CountOf(entry));
        if (backends <= 1000) Assert.Equal(numbers, FlowSlots.BackendsOf(entry).Length);
    }

    [Theory]
    [InlineData(1, 100, 2048)]
    [InlineData(8, 1000, 8192)]
    [InlineData(16, 1000, 4096)]
    [InlineData(300, 100, 256)]
    [InlineData(600, 200, 512)]
    [InlineData(1, 8191, 8192)]
    public void An_entry_of_an_owner_with_many_has_its_part_of_the_slots_but_two_for_an_endpoint(int entries, int backends, int numbers)
    {
        var entry = Entry(backends, false) with { MostSlots = SlotBudget.OfEach(entries) };
        Assert.Equal(numbers, FlowSlots.CountOf(entry));
        Assert.InRange((long)numbers * entries, 0, Math.Max(Limits.SlotsOfService, 4L * backends * entries));
        if (backends > 1000) return;
        var shares = FlowSlots.BackendsOf(entry).CountBy(b => b).Select(s => s.Value).ToList();
        Assert.Equal(backends, shares.Count);
        Assert.True(shares.Max() <= Math.Ceiling(1.25 * numbers / backends), $"{shares.Max()} of {numbers}");
    }

    [Fact]
    public void With_few_slots_an_endpoint_has_its_share_to_a_slot_or_a_quarter()
    {
        var entry = Weighted([.. Enumerable.Range(0, 100).Select(i => (i % 4) + 1)]) with { MostSlots = SlotBudget.OfEach(300) };
        var slots = FlowSlots.CountOf(entry);
        Assert.All(Shares(entry), s => Assert.InRange(s.Share, 1.0 / slots, (s.Expected * 1.25) + (1.0 / slots)));
        foreach (var half in Shares(entry).GroupBy(s => s.Expected > 1.0 / 100))
            Assert.InRange(half.Sum(s => s.Share) / half.Sum(s => s.Expected), 0.75, 1.25);
    }

    [Theory]
    [InlineData(3, true)]
    [InlineData(32, false)]
    [InlineData(100, false)]
    [InlineData(400, false)]
    public void Each_backend_has_a_share_and_none_more_than_a_quarter_above_its_even_share(int backends, bool affinity)
    {
        var drawn = FlowSlots.BackendsOf(Entry(backends, affinity));
        var shares = drawn.CountBy(b => b).Select(s => s.Value).ToList();
        Assert.Equal(backends, shares.Count);
        Assert.True(shares.Max() <= Math.Ceiling(1.25 * drawn.Length / backends), $"{shares.Max()} of {drawn.Length}");
    }

    [Fact]
    public void When_one_of_100_comes_or_goes_at_most_one_and_a_half_percent_of_the_numbers_change_their_backend()
    {
        var all = Entry(100);
        var before = Addresses(all);
        var moved = new List<double>();
        for (var gone = 0; gone < 100; gone += 7)
        {
            var after = Addresses(all with { Backends = [.. all.Backends.Where((_, i) => i != gone)] });
            moved.Add(before.Zip(after).Count(p => !p.First.Equals(p.Second)) / (double)before.Count);
        }

        Assert.InRange(moved.Average(), 0.005, 0.013);
        Assert.InRange(moved.Max(), 0.005, 0.015);
    }

    [Theory]
    [InlineData("5,5", 2)]
    [InlineData("3,1", 32)]
    [InlineData("100,1", 32)]
    [InlineData("50,51,50", 64)]
    [InlineData("1,2,3,4,5,6,7,8,9,10", 128)]
    [InlineData("1,100,1,100,1,100,1,100", 128)]
    public void The_numbers_that_entries_of_different_weights_draw_from_depend_on_how_many_endpoints_they_have_alone(string weights, int numbers)
    {
        var entry = Weighted(Weights(weights));
        Assert.Equal(numbers, FlowSlots.CountOf(entry));
        Assert.Equal(numbers, FlowSlots.BackendsOf(entry).Length);
    }

    [Theory]
    [InlineData("3,1")]
    [InlineData("100,1")]
    [InlineData("99,100")]
    [InlineData("1,2,3,4,5,6,7,8,9,10")]
    [InlineData("1,100,1,100,1,100,1,100")]
    public void Few_endpoints_have_their_shares_within_a_few_percent(string weights)
    {
        var entry = Weighted(Weights(weights));
        foreach (var (share, expected) in Shares(entry)) Assert.InRange(share, expected - 0.03, expected + 0.03);
        foreach (var (share, expected) in Shares(entry).Where(s => s.Expected > 0.02)) Assert.InRange(share, expected * 0.75, (expected * 1.05) + (1.0 / FlowSlots.CountOf(entry)));
    }

    [Theory]
    [InlineData(32)]
    [InlineData(100)]
    [InlineData(700)]
    public void Of_many_endpoints_of_all_weights_none_has_more_than_a_quarter_above_its_share_and_each_has_some(int backends)
    {
        var entry = Weighted([.. Enumerable.Range(0, backends).Select(i => (i % 100) + 1)]);
        var slots = FlowSlots.CountOf(entry);
        Assert.Equal(backends, FlowSlots.BackendsOf(entry).Distinct().Count());
        Assert.All(Shares(entry), s => Assert.InRange(s.Share, 1.0 / slots, (s.Expected * 1.25) + (1.0 / slots)));
        // What endpoints of a weight get together is as close as chance lets it be.
        foreach (var half in Shares(entry).GroupBy(s => s.Expected > 0.5 / backends))
            Assert.InRange(half.Sum(s => s.Share) / half.Sum(s => s.Expected), 0.85, 1.15);
    }

    [Theory]
    [InlineData("3,1", 1, 2)]
    [InlineData("1,2,3,4,5,6,7,8,9,10", 4, 10)]
    [InlineData("1,2,3,4,5,6,7,8,9,10", 9, 1)]
    public void A_change_of_a_weight_moves_little_more_than_twice_what_the_shares_change_by(string weights, int endpoint, int weight)
    {
        var before = Weighted(Weights(weights));
        var after = before with { Backends = [.. before.Backends.Select((b, i) => i == endpoint ? b with { Weight = weight } : b)] };
        Assert.InRange(Moved(before, after), 0.0, (2.5 * Changed(before, after)) + 0.02);
    }

    [Fact]
    public void When_one_of_100_of_different_weights_goes_little_more_than_its_share_moves()
    {
        var all = Weighted([.. Enumerable.Range(0, 100).Select(i => 1 << (i % 3))]);
        for (var gone = 0; gone < 100; gone += 9)
        {
            var after = all with { Backends = [.. all.Backends.Where((_, i) => i != gone)] };
            Assert.InRange(Moved(all, after), 0.001, (all.Backends[gone].Weight / (double)all.Backends.Sum(b => b.Weight) * 1.5) + 0.005);
        }
    }

    [Fact]
    public void One_weight_that_changes_and_one_light_endpoint_that_goes_move_few_flows()
    {
        var mixed = Weighted([.. Enumerable.Range(0, 100).Select(i => i < 70 ? 2 : 1)]);
        Assert.InRange(Moved(mixed, mixed with { Backends = [.. mixed.Backends.Select((b, i) => i == 99 ? b with { Weight = 2 } : b)] }), 0.001, 0.02);
        var canary = Weighted([.. Enumerable.Range(0, 100).Select(i => i == 50 ? 1 : 10)]);
        Assert.InRange(Moved(canary, canary with { Backends = [.. canary.Backends.Where((_, i) => i != 50)] }), 0.0001, 0.01);
    }

    [Fact]
    public void Clients_with_affinity_keep_their_endpoint_when_the_first_weight_is_set()
    {
        var equal = Entry(10, affinity: true);
        var weighted = equal with { Backends = [.. equal.Backends.Select((b, i) => i == 3 ? b with { Weight = 2 } : b)] };
        Assert.InRange(Moved(equal, weighted), 0.01, 0.35);
    }

    [Fact]
    public void Without_different_weights_the_draw_does_not_depend_on_them()
    {
        foreach (var (count, affinity) in ((int, bool)[])[(3, false), (3, true), (100, false)])
        {
            var entry = Entry(count, affinity);
            Assert.Equal(FlowSlots.BackendsOf(entry), FlowSlots.BackendsOf(entry with { Backends = [.. entry.Backends.Select(b => b with { Weight = 7 })] }));
        }
    }

    [Fact]
    public async Task The_kernel_sends_three_times_as_many_flows_to_an_endpoint_of_three_times_the_weight()
    {
        await ApplyAsync(Weighted([1, 3]));
        var before = EndpointsOfFlows();
        Assert.Equal(Flows, before.Count);
        Assert.InRange(before.Values.Count(e => e == "10.50.0.2"), Flows * 72 / 100, Flows * 78 / 100);

        // A lighter one moves about as many flows as its share changes by.
        await ApplyAsync(Weighted([1, 2]));
        var after = EndpointsOfFlows();
        Assert.InRange(after.Values.Count(e => e == "10.50.0.2"), Flows * 63 / 100, Flows * 70 / 100);
        Assert.InRange(before.Count(f => after[f.Key] != f.Value), Flows * 5 / 100, Flows * 13 / 100);
    }

    [Fact]
    public async Task The_kernel_sends_the_flows_of_the_others_where_it_sent_them_before()
    {
        Lab.PodHost1.Ip(string.Join('\n', Enumerable.Range(1, 100).Select(i => $"addr add 10.50.0.{i}/32 dev lo")));
        Lab.Node.Ip($"route add 10.50.0.0/24 via {NodeLab.Pod1}");
        try
        {
            var all = Entry(100);
            await ApplyAsync(all);
            var before = EndpointsOfFlows();
            await ApplyAsync(all with { Backends = [.. all.Backends.Where((_, i) => i != 41)] });
            var after = EndpointsOfFlows();
            Assert.Equal(Flows, before.Count);
            Assert.Equal(Flows, after.Count);
            Assert.Equal(100, before.Values.Distinct().Count());
            var moved = before.Count(f => after[f.Key] != f.Value);
            Assert.InRange(moved, 1, Flows * 15 / 1000);
            Assert.DoesNotContain("10.50.0.42", after.Values);
        }
        finally
        {
            Lab.Node.Ip("route del 10.50.0.0/24");
            Lab.PodHost1.Ip(string.Join('\n', Enumerable.Range(1, 100).Select(i => $"addr del 10.50.0.{i}/32 dev lo")));
        }
    }

    private const int Flows = 4000;

    /// <summary>Opens flows from the same ports each time, and reads where the kernel sent them: by port of the client.</summary>
    private Dictionary<int, string> EndpointsOfFlows()
    {
        Lab.Node.Exec("conntrack", "-F");
        var to = new IPEndPoint(IPAddress.Parse(FloatingIP), 8080);
        for (var i = 0; i < Flows; i++)
        {
            using var socket = Lab.ClientHost.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
            socket.Bind(new IPEndPoint(IPAddress.Parse(NodeLab.Client), 20_000 + i));
            socket.SendTo("?"u8, to);
        }

        // udp 17 29 src=192.0.2.2 dst=100.0.0.4 sport=20000 dport=8080 src=10.50.0.7 dst=192.0.2.2 sport=80 dport=20000 ...
        return Flow().Matches(Lab.Node.Exec("conntrack", "-L", "-p", "udp", "--orig-dst", FloatingIP))
            .ToDictionary(m => int.Parse(m.Groups["port"].Value, CultureInfo.InvariantCulture), m => m.Groups["endpoint"].Value);
    }

    private static DataplaneNatEntry Entry(int backends, bool affinity = false) =>
        Configs.NatEntry(FloatingIP, TransportProtocol.UDP, 8080, [.. Enumerable.Range(1, backends).Select(i => $"10.50.{i / 251}.{i % 251}:80")]) with { ClientIPAffinity = affinity };

    private static DataplaneNatEntry Weighted(int[] weights)
    {
        var entry = Entry(weights.Length);
        return entry with { Backends = [.. entry.Backends.Select((b, i) => b with { Weight = weights[i] })] };
    }

    private static int[] Weights(string text) => [.. text.Split(',').Select(w => int.Parse(w, CultureInfo.InvariantCulture))];

    private static List<(double Share, double Expected)> Shares(DataplaneNatEntry entry)
    {
        var drawn = FlowSlots.BackendsOf(entry);
        var total = entry.Backends.Sum(b => b.Weight);
        return [.. entry.Backends.Select((b, i) => (drawn.Count(d => d == i) / (double)drawn.Length, b.Weight / (double)total))];
    }

    /// <summary>The part of the numbers whose endpoint is another one.</summary>
    private static double Moved(DataplaneNatEntry before, DataplaneNatEntry after)
    {
        var (first, second) = (Addresses(before), Addresses(after));
        Assert.Equal(first.Count, second.Count);
        return first.Zip(second).Count(p => !p.First.Equals(p.Second)) / (double)first.Count;
    }

    /// <summary>The least that must move for the shares of the second entry.</summary>
    private static double Changed(DataplaneNatEntry before, DataplaneNatEntry after)
    {
        var (first, second) = (before.Backends.Sum(b => b.Weight), after.Backends.Sum(b => b.Weight));
        return before.Backends.Zip(after.Backends).Sum(p => Math.Abs((p.First.Weight / (double)first) - (p.Second.Weight / (double)second))) / 2;
    }

    private static List<IPAddress> Addresses(DataplaneNatEntry entry) => [.. FlowSlots.BackendsOf(entry).Select(b => entry.Backends[b].Address)];

    [GeneratedRegex(@"sport=(?<port>\d+) dport=8080 (\[UNREPLIED\] )?src=(?<endpoint>[\d.]+)")]
    private static partial Regex Flow();
}
