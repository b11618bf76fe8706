using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
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

    private static List<IPAddress> Addresses(DataplaneNatEntry entry) => [.. FlowSlots.BackendsOf(entry).Select(b => entry.Backends[b].Address)];

    [GeneratedRegex(@"sport=(?<port>\d+) dport=8080 (\[UNREPLIED\] )?src=(?<endpoint>[\d.]+)")]
    private static partial Regex Flow();
}
