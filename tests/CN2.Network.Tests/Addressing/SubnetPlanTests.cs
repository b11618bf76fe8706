using System.Globalization;
using System.Net;
using CN2.Network.Addressing;
using CsCheck;

namespace CN2.Network.Tests.Addressing;

public sealed class SubnetPlanTests
{
    [Fact]
    public void The_contracts_example_has_188_addresses()
    {
        var plan = Plan("100.0.0.0/24", "100.0.0.1", ["100.0.0.2-100.0.0.200"], ["100.0.0.10", "100.0.0.20-100.0.0.29"]);
        Assert.Equal((UInt128)188, plan.Capacity);
        Assert.Equal("100.0.0.2-100.0.0.9 100.0.0.11-100.0.0.19 100.0.0.30-100.0.0.200", Text(plan));
    }

    [Theory]
    [InlineData("100.0.0.0/24", "100.0.0.7", "100.0.0.0 100.0.0.7 100.0.0.255")]
    [InlineData("100.0.0.0/30", null, "100.0.0.0 100.0.0.3")]
    [InlineData("100.0.0.0/31", null, "")]
    [InlineData("100.0.0.0/32", "100.0.0.0", "100.0.0.0")]
    [InlineData("2001:db8::/120", "2001:db8::1", "2001:db8:: 2001:db8::1")]
    [InlineData("2001:db8::/127", null, "")]
    public void Network_address_broadcast_address_and_gateway_cannot_be_requested(string cidr, string? gateway, string expected)
    {
        var network = IPNetwork.Parse(cidr);
        var all = Enumerable.Range(0, (int)(network.Last() - network.First()) + 1).Select(i => AddressArithmetic.ToAddress(network.First() + (UInt128)i, network.FamilyOf()));
        var unusable = all.Where(a => SubnetPlan.IsUnusable(network, gateway is null ? null : IPAddress.Parse(gateway), a));
        Assert.Equal(expected, string.Join(' ', unusable));
    }

    [Theory]
    [InlineData("100.0.0.0/24", null, "100.0.0.1", "100.0.0.2-100.0.0.254", "253")]
    [InlineData("100.0.0.0/24", "100.0.0.254", "100.0.0.254", "100.0.0.1-100.0.0.253", "253")]
    [InlineData("100.0.0.0/24", "100.0.0.7", "100.0.0.7", "100.0.0.1-100.0.0.6 100.0.0.8-100.0.0.254", "253")]
    [InlineData("100.0.0.0/30", null, "100.0.0.1", "100.0.0.2", "1")]
    [InlineData("100.0.0.0/31", null, null, "100.0.0.0-100.0.0.1", "2")]
    [InlineData("100.0.0.0/31", "100.0.0.0", "100.0.0.0", "100.0.0.1", "1")]
    [InlineData("100.0.0.9/32", null, null, "100.0.0.9", "1")]
    [InlineData("100.0.0.9/32", "100.0.0.9", "100.0.0.9", "", "0")]
    [InlineData("10.0.0.0/8", null, "10.0.0.1", "10.0.0.2-10.255.255.254", "16777213")]
    [InlineData("2001:db8::/126", null, "2001:db8::1", "2001:db8::2-2001:db8::3", "2")]
    [InlineData("2001:db8::/127", null, null, "2001:db8::-2001:db8::1", "2")]
    [InlineData("2001:db8::1/128", null, null, "2001:db8::1", "1")]
    [InlineData("2001:db8::/64", null, "2001:db8::1", "2001:db8::2-2001:db8::ffff:ffff:ffff:ffff", "18446744073709551614")]
    [InlineData("2001:db8::/32", null, "2001:db8::1", "2001:db8::2-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "79228162514264337593543950334")]
    public void First_address_last_address_and_gateway_are_never_allocated(string cidr, string? gateway, string? expectedGateway, string runs, string capacity)
    {
        var plan = Plan(cidr, gateway, [], []);
        Assert.Equal(expectedGateway, plan.Gateway?.ToString());
        Assert.Equal(runs, Text(plan));
        Assert.Equal(capacity, plan.Capacity.ToString(CultureInfo.InvariantCulture));
    }

    [Fact]
    public void Overlapping_and_touching_ranges_become_one_run()
    {
        var plan = Plan("100.0.0.0/24", null, ["100.0.0.50-100.0.0.60", "100.0.0.10-100.0.0.20", "100.0.0.15-100.0.0.30", "100.0.0.31-100.0.0.40"], []);
        Assert.Equal("100.0.0.10-100.0.0.40 100.0.0.50-100.0.0.60", Text(plan));
    }

    [Theory]
    [InlineData("0.0.0.0/8", "unspecified")]
    [InlineData("8.0.0.0/7", "too large")]
    [InlineData("127.0.0.0/24", "loopback")]
    [InlineData("169.254.0.0/16", "link-local")]
    [InlineData("224.0.0.0/24", "multicast")]
    [InlineData("239.255.0.0/16", "multicast")]
    [InlineData("240.0.0.0/24", "reserved")]
    [InlineData("255.255.255.255/32", "reserved")]
    [InlineData("2001:db9::/31", "bits set")]
    [InlineData("2000::/16", "too large")]
    [InlineData("::1/128", "loopback")]
    [InlineData("::/64", "unspecified")]
    [InlineData("::fffe:0:0/95", "IPv4-mapped")]
    [InlineData("fe80::/64", "link-local")]
    [InlineData("ff02::/64", "multicast")]
    public void Pools_without_a_usable_address_are_refused(string cidr, string reason)
    {
        var faults = Faults(cidr, null, [], []);
        Assert.Contains(faults, f => f.Member == "cidr" && f.Message.Contains(reason, StringComparison.Ordinal));
    }

    [Fact]
    public void All_faults_are_named_at_once()
    {
        var faults = Faults(
            "100.0.0.0/24",
            "100.0.1.1",
            ["100.0.0.20-100.0.0.10", "100.0.0.5-100.0.1.5", "x-"],
            ["100.0.0.10-", "200.0.0.1", "100.0.0.30-100.0.0.20"]);
        Assert.Equal(
            ["gateway", "ranges[0]", "ranges[1].to", "ranges[2].from", "ranges[2].to", "reserved[0]", "reserved[1]", "reserved[2]"],
            faults.Select(f => f.Member));
        Assert.All(faults, f => Assert.EndsWith(".", f.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("100.0.0.0", "network or broadcast")]
    [InlineData("100.0.0.255", "network or broadcast")]
    [InlineData("2001:db8::1", "not in")]
    public void A_gateway_is_a_host_of_its_subnet(string gateway, string reason) =>
        Assert.Contains(reason, Assert.Single(Faults("100.0.0.0/24", gateway, [], [])).Message, StringComparison.Ordinal);

    [Fact]
    public void Runs_hold_exactly_the_addresses_that_may_be_allocated()
    {
        var offsets = Gen.Int[0, 63];
        Gen.Select(Gen.Int[26, 32], offsets, Gen.Select(offsets, offsets).List[0, 4], Gen.Select(offsets, offsets).List[0, 4]).Sample((length, gatewayOffset, ranges, reserved) =>
        {
            var cidr = new IPNetwork(IPAddress.Parse("100.0.0.64"), length);
            var size = 1 << (32 - length);
            IPAddress At(int offset) => AddressArithmetic.ToAddress(cidr.First() + (UInt128)(offset % size), IPFamily.IPv4);
            AddressRange Between((int A, int B) pair)
            {
                IPAddress a = At(pair.A), b = At(pair.B);
                return AddressArithmetic.Compare(a, b) <= 0 ? new(a, b) : new(b, a);
            }

            var wanted = ranges.Select(Between).ToList();
            var kept = reserved.Select(Between).ToList();
            IPAddress? gateway = gatewayOffset % 3 == 0 ? null : At(gatewayOffset);
            var plan = SubnetPlan.Make(cidr, gateway, wanted, kept);
            var expected = Enumerable.Range(0, size).Select(At)
                .Where(a => wanted.Count == 0 || wanted.Any(r => r.Contains(a)))
                .Where(a => !kept.Any(r => r.Contains(a)) && !SubnetPlan.IsUnusable(cidr, plan.Gateway, a))
                .ToList();
            var actual = plan.Runs.SelectMany(r => Enumerable.Range(0, (int)r.Count).Select(i => AddressArithmetic.ToAddress(r.First.ToNumber() + (UInt128)i, IPFamily.IPv4))).ToList();
            Assert.Equal(expected, actual);
            Assert.Equal((UInt128)expected.Count, plan.Capacity);
            for (var i = 1; i < plan.Runs.Count; i++) Assert.True(plan.Runs[i].First.ToNumber() > plan.Runs[i - 1].Last.ToNumber() + 1);
        });
    }

    private static SubnetPlan Plan(string cidr, string? gateway, string[] ranges, string[] reserved)
    {
        var (plan, faults) = Read(cidr, gateway, ranges, reserved);
        Assert.Empty(faults);
        return plan!;
    }

    private static IReadOnlyList<SubnetFault> Faults(string cidr, string? gateway, string[] ranges, string[] reserved)
    {
        var (plan, faults) = Read(cidr, gateway, ranges, reserved);
        Assert.Null(plan);
        return faults;
    }

    private static (SubnetPlan? Plan, IReadOnlyList<SubnetFault> Faults) Read(string cidr, string? gateway, string[] ranges, string[] reserved) =>
        SubnetPlan.Read(cidr, gateway, [.. ranges.Select(r => r.Split('-')).Select(ends => (ends[0], ends[1]))], reserved);

    private static string Text(SubnetPlan plan) => string.Join(' ', plan.Runs);
}
