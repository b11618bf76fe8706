using System.Net;
using CN2.Network.Collections;

namespace CN2.Network.Addressing;

/// <summary>
/// A pool of addresses made from a subnet: what is handed out automatically, what only when a user asks for it, and what never.
/// </summary>
public sealed record SubnetPlan
{
    public required IPNetwork Cidr { get; init; }

    /// <summary>As the user wrote it, else the first host address; null for a /31, /32, /127 or /128 without gateway.</summary>
    public required IPAddress? Gateway { get; init; }

    /// <summary>
    /// What is handed out automatically, the lowest address first. Ranges are ascending and do not touch; reserved and unusable addresses are
    /// not in them. May be empty.
    /// </summary>
    public required EquatableList<AddressRange> Runs { get; init; }

    /// <summary>How many addresses <see cref="Runs"/> hold.</summary>
    public required UInt128 Capacity { get; init; }

    public IPFamily Family => Cidr.FamilyOf();

    /// <summary>
    /// Whether an address of the subnet is never handed out, not even when a user asks for it: the network address, IPv4's broadcast address
    /// and the gateway. A user may ask for every other address of the subnet, also outside of <see cref="Runs"/>.
    /// </summary>
    public static bool IsUnusable(IPNetwork cidr, IPAddress? gateway, IPAddress address) => address.Equals(gateway) || IsEdge(cidr, address);

    /// <summary>Reads a subnet as a user writes it. The plan is null when there are faults; all of them are listed.</summary>
    /// <param name="ranges">What is handed out automatically; none: the whole subnet.</param>
    /// <param name="reserved">Addresses and ranges (<c>a-b</c>) that are handed out only when a user asks for them.</param>
    public static (SubnetPlan? Plan, IReadOnlyList<SubnetFault> Faults) Read(
        string? cidrText, string? gatewayText, IReadOnlyList<(string? From, string? To)> ranges, IReadOnlyList<string> reserved)
    {
        var faults = new List<SubnetFault>();
        var hasCidr = AddressSyntax.TryParseNetwork(cidrText, out var cidr, out var error);
        if (!hasCidr) faults.Add(new SubnetFault("cidr", error!));
        else if (RefusalOf(cidr) is { } refusal) faults.Add(new SubnetFault("cidr", refusal));

        IPAddress? gateway = null;
        if (gatewayText is not null)
        {
            if (!AddressSyntax.TryParseAddress(gatewayText, out gateway, out error)) faults.Add(new SubnetFault("gateway", error));
            else if (hasCidr && !Contains(cidr, gateway)) faults.Add(new SubnetFault("gateway", $"{gateway} is not in {cidr}."));
            else if (hasCidr && IsEdge(cidr, gateway))
                faults.Add(new SubnetFault("gateway", $"{gateway} is the network or broadcast address of {cidr}; choose a host address."));
        }

        var automatic = new List<AddressRange>();
        for (var i = 0; i < ranges.Count; i++)
        {
            var from = Inside($"ranges[{i}].from", ranges[i].From);
            var to = Inside($"ranges[{i}].to", ranges[i].To);
            if (from is null || to is null) continue;
            if (AddressSyntax.TryMakeRange(from, to, out var range, out error)) automatic.Add(range);
            else faults.Add(new SubnetFault($"ranges[{i}]", error));
        }

        var onRequest = new List<AddressRange>();
        for (var i = 0; i < reserved.Count; i++)
        {
            if (!AddressSyntax.TryParseRange(reserved[i], out var range, out error)) faults.Add(new SubnetFault($"reserved[{i}]", error));
            else if (hasCidr && !(Contains(cidr, range.First) && Contains(cidr, range.Last)))
                faults.Add(new SubnetFault($"reserved[{i}]", $"{range} is not in {cidr}."));
            else onRequest.Add(range);
        }

        return faults.Count > 0 ? (null, faults) : (Make(cidr, gateway, automatic, onRequest), []);

        IPAddress? Inside(string member, string? text)
        {
            if (!AddressSyntax.TryParseAddress(text, out var address, out var fault)) faults.Add(new SubnetFault(member, fault));
            else if (!hasCidr || Contains(cidr, address)) return address;
            else faults.Add(new SubnetFault(member, $"{address} is not in {cidr}."));
            return null;
        }
    }

    /// <summary>Makes a plan of checked parts. No ranges: the whole subnet.</summary>
    public static SubnetPlan Make(IPNetwork cidr, IPAddress? gateway, IReadOnlyCollection<AddressRange> ranges, IReadOnlyCollection<AddressRange> reserved)
    {
        gateway ??= DefaultGatewayOf(cidr);
        var family = cidr.FamilyOf();
        UInt128 first = cidr.First(), last = cidr.Last();
        var never = new List<AddressRange>();
        if (HasEdges(cidr))
        {
            // IPv6 has no broadcast; its first address is the subnet-router anycast address (RFC 4291 §2.6.1).
            never.Add(AddressRange.Of(first, first, family));
            if (family == IPFamily.IPv4) never.Add(AddressRange.Of(last, last, family));
        }

        if (gateway is not null) never.Add(new AddressRange(gateway, gateway));
        var wanted = ranges.Count == 0 ? [AddressRange.Of(first, last, family)] : AddressRanges.Union(ranges);
        var runs = AddressRanges.Subtract(wanted, AddressRanges.Union(reserved.Concat(never)));

        UInt128 capacity = 0;
        foreach (var run in runs) capacity += run.Count;
        return new SubnetPlan
        {
            Cidr = cidr,
            Gateway = gateway,
            Runs = runs.ToEquatableList(),
            Capacity = capacity,
        };
    }

    /// <summary>The first host address; null when every address is usable.</summary>
    public static IPAddress? DefaultGatewayOf(IPNetwork cidr) =>
        HasEdges(cidr) ? AddressArithmetic.ToAddress(cidr.First() + 1, cidr.FamilyOf()) : null;

    /// <summary>A sentence that says why a network cannot be a pool (<c>docs/contract.md §3</c>); null when it can.</summary>
    public static string? RefusalOf(IPNetwork cidr)
    {
        var family = cidr.FamilyOf();
        var shortest = family == IPFamily.IPv4 ? 8 : 32;
        if (cidr.PrefixLength < shortest) return $"{cidr} is too large for a pool; the prefix length must be at least {shortest}.";
        foreach (var (text, name) in RefusedPools)
        {
            // Compares numbers, because IPNetwork.Contains of .NET 10 is wrong about IPv4-mapped addresses.
            var refused = IPNetwork.Parse(text);
            if (refused.FamilyOf() == family && refused.First() <= cidr.Last() && cidr.First() <= refused.Last())
                return $"{cidr} overlaps {text}, which holds {name} addresses; they cannot be handed out.";
        }

        return null;
    }

    private static readonly (string Text, string Name)[] RefusedPools =
    [
        ("0.0.0.0/8", "unspecified"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/127", "unspecified and loopback"),
        ("::ffff:0:0/96", "IPv4-mapped"),
        ("fe80::/10", "link-local"),
        ("ff00::/8", "multicast"),
    ];

    /// <summary>Whether the network has edge addresses that no host may have (RFC 3021 exempts a /31, RFC 6164 a /127).</summary>
    private static bool HasEdges(IPNetwork cidr) => AddressArithmetic.BitsOf(cidr.FamilyOf()) - cidr.PrefixLength > 1;

    private static bool IsEdge(IPNetwork cidr, IPAddress address) =>
        HasEdges(cidr) && address.ToNumber() is var number && (number == cidr.First() || (cidr.FamilyOf() == IPFamily.IPv4 && number == cidr.Last()));

    private static bool Contains(IPNetwork cidr, IPAddress address) => cidr.FamilyOf() == address.FamilyOf() && cidr.Contains(address);
}
