using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Nft;

namespace CN2.VRouter.Tests.Nft;

/// <summary>
/// The text for nft, compared with the files in Goldens/ and loaded by the real nft. CN2_UPDATE_GOLDENS=1 rewrites the files, for review.
/// </summary>
public sealed class NftRulesetTests : IDisposable
{
    private static readonly NftOptions Options = new("cn2", IPAddress.Parse("172.27.115.242"), IPAddress.Parse("fd00:16::1")) { RelayPort = 8475 };

    private readonly NetworkNamespace _namespace = new("golden");

    public void Dispose() => _namespace.Dispose();

    public static TheoryData<string> Wholes => ["empty", "seed", "everything", "no-node-address6", "overlay", "routed"];

    public static TheoryData<string> Changes => ["endpoint-added", "endpoint-removed", "last-endpoint-drains", "service-removed", "restricted", "two-at-once", "vpn-begins", "vpn-ends", "vpn-endpoint-moves", "endpoint-moves-here", "endpoint-goes-elsewhere", "first-of-two-goes", "inside"];

    [Theory]
    [MemberData(nameof(Wholes))]
    public void A_whole_configuration_is_one_repeatable_transaction(string name)
    {
        var options = name == "no-node-address6" ? Options with { Address6 = null } : Options;
        var (text, _) = NftContents.Whole(options, Whole(name));
        Golden(name, text);
        Load(text);
        var once = Kernel();
        Load(text);
        Assert.Equal(once, Kernel());
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void A_change_is_one_transaction_that_names_only_what_changes(string name)
    {
        var (before, after) = Change(name);
        var (whole, contents) = NftContents.Whole(Options, before);
        var change = new DataplaneChange();
        change.NatEntries.UnionWith(before.NatEntries.Keys.Union(after.NatEntries.Keys));
        change.FloatingIPs.UnionWith(before.FloatingIPs.Union(after.FloatingIPs));
        change.Inside.UnionWith(before.Inside.Union(after.Inside));
        var transaction = contents.Difference(Options, after, change);
        Golden("change-" + name, transaction.Text);

        Load(whole);
        _namespace.ExecWith(transaction.Text, "nft", "-c", "-f", "-");
        Load(transaction.Text);
        var changed = Kernel();
        Load(NftContents.Whole(Options, after).Text);
        Assert.Equal(Kernel(), changed);
        transaction.Accepted();
        Assert.Empty(contents.Difference(Options, after, change).Text);
    }

    [Fact]
    public void Any_sequence_of_changes_gives_the_result_of_the_whole_configuration()
    {
        var random = new Random(20261123);
        var desired = new DataplaneConfig();
        var (text, contents) = NftContents.Whole(Options, desired);
        Load(text);
        for (var step = 0; step < 40; step++)
        {
            var change = new DataplaneChange();
            for (var i = random.Next(1, 6); i > 0; i--) Mutate(random, desired, change);
            var transaction = contents.Difference(Options, desired, change);
            if (transaction.Text.Length > 0) Load(transaction.Text);
            transaction.Accepted();
        }

        var incremental = Kernel();
        Load(NftContents.Whole(Options, desired).Text);
        Assert.Equal(Kernel(), incremental);
    }

    [Fact]
    public async Task Each_endpoint_that_comes_begins_the_time_anew_in_which_its_entry_settles()
    {
        var (before, after) = Change("endpoint-moves-here");
        var (whole, contents) = NftContents.Whole(Options, before);
        Load(whole);
        var change = new DataplaneChange();
        change.NatEntries.UnionWith(after.NatEntries.Keys);
        var first = contents.Difference(Options, after, change);
        Load(first.Text);
        first.Accepted();
        await Eventually.TrueAsync(() => Left() < 9, "time passes", 30);
        var key = after.NatEntries.Values.First(e => e.RefusesOthers).Key;
        after.NatEntries[key] = after.NatEntries[key] with { Draining = Configs.Backends("10.0.0.8:80") };
        Load(contents.Difference(Options, after, change).Text);
        Assert.InRange(Left(), 9, 10);

        // Whole seconds.
        int Left()
        {
            using var listing = JsonDocument.Parse(_namespace.Exec("nft", "-j", "list", "set", "ip", "cn2", "settling"));
            var set = listing.RootElement.GetProperty("nftables").EnumerateArray().Single(e => e.TryGetProperty("set", out _)).GetProperty("set");
            return set.GetProperty("elem")[0].GetProperty("elem").GetProperty("expires").GetInt32();
        }
    }

    [Theory]
    [InlineData(10)]
    [InlineData(10_000)]
    public void The_text_of_a_change_does_not_grow_with_the_number_of_Services(int services)
    {
        var natEntries = Enumerable.Range(0, services).Select(i => Configs.NatEntry($"100.0.{i / 250}.{i % 250}", TransportProtocol.TCP, 80, "10.0.0.1:80", "10.0.0.2:80") with
        {
            SourceRanges = Configs.Ranges("198.51.100.0/24"),
        });
        var before = Configs.Config([.. natEntries]);
        var (_, contents) = NftContents.Whole(Options, before);
        var changed = before.NatEntries.Values.First(f => f.Key.Address!.ToString() == "100.0.0.4") with { Backends = Configs.Backends("10.0.0.1:80", "10.0.0.3:80") };
        before.NatEntries[changed.Key] = changed;
        var change = new DataplaneChange();
        change.NatEntries.Add(changed.Key);
        Assert.Equal(
            "delete element ip cn2 backends {\n  100.0.0.4 . 6 . 80 . 0xcb200001 : 10.0.0.2 . 80\n}\n"
            + "add element ip cn2 endpoints {\n  10.0.0.3\n}\n"
            + "add element ip cn2 backends {\n  100.0.0.4 . 6 . 80 . 0xcb200001 : 10.0.0.3 . 80\n}\n",
            contents.Difference(Options, before, change).Text);
    }

    [Fact]
    public void The_order_of_NAT_entries_does_not_matter()
    {
        var natEntries = Whole("everything").NatEntries.Values.ToArray();
        var forwards = NftContents.Whole(Options, Configs.Config(natEntries)).Text;
        Array.Reverse(natEntries);
        Assert.Equal(forwards, NftContents.Whole(Options, Configs.Config(natEntries)).Text);
    }

    [Fact]
    public void A_range_inside_another_is_left_out() =>
        Assert.Equal(
            ["10.0.0.0/8", "192.0.2.0/31"],
            NftRuleset.Disjoint(Configs.Ranges("192.0.2.0/31", "10.1.0.0/16", "10.0.0.0/8", "10.0.0.0/8", "192.0.2.1/32", "fd00::/8"), CN2.Network.Addressing.IPFamily.IPv4).Select(r => r.ToString()));

    internal static DataplaneConfig Whole(string name) => name switch
    {
        "empty" => Configs.Config(),
        "seed" or "no-node-address6" => Configs.Config(
            Configs.NatEntry("10.233.33.83", TransportProtocol.TCP, 8080, "10.233.64.10:80", "10.233.64.11:80", "10.233.65.10:80@"),
            Configs.NatEntry("100.0.0.4", TransportProtocol.TCP, 8080, "10.233.64.10:80", "10.233.64.11:80"),
            Configs.NodePort(TransportProtocol.TCP, 31234, "10.233.64.10:80", "10.233.64.11:80", "10.233.65.10:80@")),
        "overlay" => Configs.Config(
            Configs.NatEntry("100.0.0.4", TransportProtocol.TCP, 8080, "10.233.64.10:80"),
            Configs.NatEntry("100.0.0.4", TransportProtocol.TCP, 8080, "10.233.64.10:80", "10.233.64.11:80").In(5),
            Configs.NatEntry("100.0.0.4", TransportProtocol.TCP, 8080, "10.233.64.12:80", "10.233.65.10:80@").In(65535),
            Configs.NatEntry("100.0.0.5", TransportProtocol.UDP, 53, "10.233.64.10:53").In(5) with { ClientIPAffinity = true, SourceRanges = Configs.Ranges("198.51.100.0/24", "203.0.113.7/32") },
            Configs.OneToOne("100.0.0.9", "10.233.64.11:0").In(5),
            Configs.OneToOne("100.0.0.9", "10.233.64.11:0", "10.233.65.11:0@").In(65535) with { SourceRanges = Configs.Ranges("198.51.100.0/24") },
            Configs.NatEntry("2001:db8::4", TransportProtocol.TCP, 443, "[fd00:1::1]:8443").In(5) with { SourceRanges = Configs.Ranges("2001:db8:1::/48") },
            Configs.OneToOne("2001:db8::9", "[fd00:1::1]:0").In(5)),
        "routed" => Configs.Config(
            Configs.NatEntry("100.0.0.4", TransportProtocol.TCP, 8080, "10.0.0.1:80", "10.0.0.2:0", "10.0.1.1:80@") with { Draining = Configs.Backends("10.0.0.3:80"), RefusesOthers = true },
            Configs.NatEntry("100.0.0.5", TransportProtocol.TCP, 443, "10.0.0.1:80") with { RefusesOthers = true }, // two for one target
            Configs.NatEntry("100.0.0.5", TransportProtocol.UDP, 53, "10.0.0.1:53") with { RefusesOthers = true },
            Configs.NatEntry("10.233.0.4", TransportProtocol.TCP, 81, "10.0.0.2:8080"),
            Configs.OneToOne("100.0.0.9", "10.0.0.4:0"),
            Configs.NatEntry("2001:db8::4", TransportProtocol.TCP, 443, "[fd00:1::1]:8443") with { RefusesOthers = true },
            Configs.OneToOne("2001:db8::9", "[fd00:1::2]:0")).Inside("172.27.115.242/32", "172.27.115.243/32", "10.0.0.0/24", "10.0.1.0/24", "fd00:16::1/128", "fd00:1::/64"),
        _ => Configs.Config(
            Configs.NatEntry("100.0.0.5", TransportProtocol.UDP, 53, "10.0.0.1:53") with { ClientIPAffinity = true },
            Configs.NatEntry("100.0.0.5", TransportProtocol.SCTP, 3868, "10.0.0.1:3868", "10.0.0.2:3868") with { ClientIPAffinity = true },
            Configs.NatEntry("100.0.0.6", TransportProtocol.TCP, 443, "10.0.0.1:8443", "10.0.0.1:9443") with { SourceRanges = Configs.Ranges("198.51.100.0/24", "203.0.113.7/32", "fd00::/8") },
            Configs.NatEntry("100.0.0.7", TransportProtocol.TCP, 80, []) with { Draining = Configs.Backends("10.0.0.1:80") },
            Configs.NatEntry("2001:db8::4", TransportProtocol.TCP, 443, "[fd00:1::1]:8443", "[fd00:9::1]:8443@") with { SourceRanges = Configs.Ranges("2001:db8:1::/48") },
            Configs.NodePort(TransportProtocol.UDP, 30053, "10.0.0.1:53") with { SourceRanges = Configs.Ranges("198.51.100.0/24") },
            Configs.OneToOne("100.0.0.9", "10.0.0.3:0"),
            Configs.OneToOne("100.0.0.10", "10.0.0.3:0", "10.0.0.4:0") with { SourceRanges = Configs.Ranges("198.51.100.0/24") }).With("100.0.0.11", "2001:db8::9"),
    };

    private static (DataplaneConfig Before, DataplaneConfig After) Change(string name)
    {
        var two = Configs.NatEntry("100.0.0.4", TransportProtocol.TCP, 8080, "10.0.0.1:80", "10.0.0.3:80");
        var routed = two with { Backends = Configs.Backends("10.0.0.1:80", "10.0.0.9:80@") };
        var other = Configs.NatEntry("100.0.0.5", TransportProtocol.TCP, 8080, "10.0.0.1:80", "10.0.1.1:80@");
        return name switch
        {
            "endpoint-moves-here" => (
                Configs.Config(routed, other).Inside("10.0.0.0/24"), Configs.Config(routed with { Backends = Configs.Backends("10.0.0.1:80", "10.0.0.9:80"), RefusesOthers = true }, other).Inside("10.0.0.0/24")),
            "endpoint-goes-elsewhere" => (
                Configs.Config(routed with { Backends = Configs.Backends("10.0.0.1:80", "10.0.0.9:80"), RefusesOthers = true }, other).Inside("10.0.0.0/24"), Configs.Config(routed with { RefusesOthers = true }, other).Inside("10.0.0.0/24")),
            "first-of-two-goes" => (
                Configs.Config(routed with { Backends = other.Backends, RefusesOthers = true }, other with { RefusesOthers = true }), Configs.Config(other with { RefusesOthers = true }).With("100.0.0.4")),
            "inside" => (Configs.Config(two).Inside("10.0.0.0/24", "172.27.115.243/32", "fd00:1::/64"), Configs.Config(two).Inside("10.0.0.0/24", "172.27.115.244/32", "fd00:2::/64")),
            "endpoint-added" => (Configs.Config(two, other), Configs.Config(two with { Backends = Configs.Backends("10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80") }, other)),
            "endpoint-removed" => (Configs.Config(two, other), Configs.Config(two with { Backends = Configs.Backends("10.0.0.3:80") }, other)),
            "last-endpoint-drains" => (Configs.Config(two, other), Configs.Config(two with { Backends = [], Draining = two.Backends }, other)),
            "service-removed" => (Configs.Config(two, other), Configs.Config(two).With("100.0.0.5")),
            "restricted" => (Configs.Config(two, other), Configs.Config(two with { SourceRanges = Configs.Ranges("10.0.0.0/8") }, other with { ClientIPAffinity = true })),
            "vpn-begins" => (Configs.Config(two), Configs.Config(two, two.In(5))),
            "vpn-ends" => (Configs.Config(two, two.In(5), other.In(6)), Configs.Config(two, other.In(6))),
            "vpn-endpoint-moves" => (
                Configs.Config(Configs.OneToOne("100.0.0.9", "10.0.0.3:0").In(5), Configs.OneToOne("100.0.0.9", "10.0.0.3:0").In(6)),
                Configs.Config(Configs.OneToOne("100.0.0.9", "10.0.0.4:0").In(5), Configs.OneToOne("100.0.0.9", "10.0.0.3:0").In(6))),
            _ => (Configs.Config(two, other), Configs.Config(
                Configs.NatEntry("2001:db8::4", TransportProtocol.UDP, 53, "[fd00::1]:53"),
                Configs.NodePort(TransportProtocol.TCP, 30080, "10.0.1.1:80@"))),
        };
    }

    private static void Mutate(Random random, DataplaneConfig desired, DataplaneChange change)
    {
        var address = $"100.0.0.{random.Next(1, 6)}";
        if (random.Next(4) == 0)
        {
            var parsed = IPAddress.Parse(address);
            if (!desired.FloatingIPs.Remove(parsed)) desired.FloatingIPs.Add(parsed);
            change.FloatingIPs.Add(parsed);
            return;
        }

        if (random.Next(4) == 0)
        {
            var network = IPNetwork.Parse(random.Next(2) == 0 ? $"10.0.{random.Next(3)}.0/24" : $"172.16.0.{random.Next(3)}/32");
            if (!desired.Inside.Remove(network)) desired.Inside.Add(network);
            change.Inside.Add(network);
            return;
        }

        var backends = Enumerable.Range(1, 5).Where(_ => random.Next(2) == 0).Select(b => $"10.0.0.{b}:80{(b > 3 ? "@" : "")}").ToArray();
        string[] ranges = [.. new[] { "198.51.100.0/24", "198.51.100.0/28", "203.0.113.0/24" }.Where(_ => random.Next(3) == 0)];
        var natEntry = (random.Next(5) switch
        {
            0 => Configs.NodePort(TransportProtocol.UDP, random.Next(30000, 30003), backends),
            1 => Configs.OneToOne(address, backends),
            _ => Configs.NatEntry(address, TransportProtocol.TCP, random.Next(80, 83), backends),
        }) with
        {
            ClientIPAffinity = random.Next(4) == 0,
            SourceRanges = Configs.Ranges(ranges),
            RefusesOthers = random.Next(2) == 0,
        };
        if (natEntry.Key.Address is not null) natEntry = natEntry.In(random.Next(3) * 5);
        if (backends.Length == 0) desired.NatEntries.Remove(natEntry.Key);
        else desired.NatEntries[natEntry.Key] = natEntry;
        change.NatEntries.Add(natEntry.Key);
    }

    private void Load(string text) => _namespace.ExecWith(text, "nft", "-f", "-");

    /// <summary>What the kernel holds: static chains, and elements in order, without the chains and map entries of numbers of backends no longer in use, and without what goes by itself.</summary>
    private List<string> Kernel()
    {
        var contents = new List<string>();
        using var listing = JsonDocument.Parse(_namespace.Exec("nft", "-j", "list", "ruleset"));
        foreach (var entry in listing.RootElement.GetProperty("nftables").EnumerateArray())
        {
            foreach (var kind in entry.EnumerateObject())
            {
                var value = kind.Value;
                var table = value.TryGetProperty("family", out var family) ? family.GetString() : "";
                if (kind.Name is "set" or "map")
                {
                    var name = value.GetProperty("name").GetString();
                    if (name is "hash" or "settling" or "relocated" || !value.TryGetProperty("elem", out var elements)) continue;
                    contents.AddRange(elements.EnumerateArray().Select(e => $"{table} {name} {e}"));
                }
                else if (kind.Name == "rule" && value.GetProperty("chain").GetString() is var chain && !chain!.Contains("_of_", StringComparison.Ordinal))
                {
                    contents.Add($"{table} {chain} {value.GetProperty("expr")}");
                }
            }
        }

        contents.Sort(StringComparer.Ordinal);
        return contents;
    }

    private static void Golden(string name, string text, [CallerFilePath] string here = "")
    {
        var path = Path.Combine(Path.GetDirectoryName(here)!, "Goldens", name + ".nft");
        if (Environment.GetEnvironmentVariable("CN2_UPDATE_GOLDENS") == "1") File.WriteAllText(path, text);
        Assert.Equal(File.ReadAllText(path), text);
    }
}
