using System.Net;
using CN2.Network.Collections;

namespace CN2.Network.Addressing;

/// <summary>A part of an ExternalNetwork's subnet as the user wrote it; nothing checked yet.</summary>
public sealed record SubnetRequest(string? Cidr, string? Gateway, IReadOnlyList<RangeRequest> Ranges, IReadOnlyList<string> Reserved);

/// <summary>A range as the user wrote it.</summary>
public sealed record RangeRequest(string? From, string? To);

/// <summary>One fault: <paramref name="Member"/> is its place below the subnet (<c>ranges[0].to</c>), the message a sentence.</summary>
public sealed record SubnetFault(string Member, string Message);

/// <summary>
/// A pool of addresses, worked out from a subnet: which are handed out automatically, which only when asked for, and which never.
/// </summary>
public sealed record SubnetPlan
{
    public required IPNetwork Cidr { get; init; }

    /// <summary>As written, else the first host address; null for /31, /32, /127 and /128 without one.</summary>
    public required IPAddress? Gateway { get; init; }

    /// <summary>
    /// What is handed out automatically, lowest first: ascending, disjoint, not touching one another; without reserved and unusable
    /// addresses. May be empty.
    /// </summary>
    public required EquatableList<AddressRange> Runs { get; init; }

    /// <summary>How many addresses <see cref="Runs"/> hold.</summary>
    public required UInt128 Capacity { get; init; }

    /// <summary>Given only when asked for; ascending and disjoint.</summary>
    public required EquatableList<AddressRange> Reserved { get; init; }

    /// <summary>Never handed out: the network address, IPv4's broadcast address, the gateway. Ascending.</summary>
    public required EquatableList<IPAddress> Unusable { get; init; }

    public IPFamily Family => Cidr.FamilyOf();

    /// <summary>
    /// A user may ask for this address by name: inside the subnet and not unusable. Outside <see cref="Runs"/> is allowed: that is what
    /// reserved addresses, and those outside the ranges, are for.
    /// </summary>
    public bool CanBeRequested(IPAddress address) =>
        address.FamilyOf() == Family && Cidr.Contains(address) && !Unusable.Contains(address);

    /// <summary>The address is among those handed out automatically.</summary>
    public bool IsAutomatic(IPAddress address) => Runs.Any(r => r.Contains(address));

    /// <summary>Works a subnet out, or lists every fault at once: then the plan is null.</summary>
    public static (SubnetPlan? Plan, IReadOnlyList<SubnetFault> Faults) Make(SubnetRequest subnet)
    {
        var faults = new List<SubnetFault>();
        var hasCidr = AddressSyntax.TryParseNetwork(subnet.Cidr, out var cidr, out var error);
        if (!hasCidr) faults.Add(new SubnetFault("cidr", error!));
        else if (RefusalOf(cidr) is { } refusal) faults.Add(new SubnetFault("cidr", refusal));

        IPAddress? gateway = null;
        if (subnet.Gateway is not null)
        {
            if (!AddressSyntax.TryParseAddress(subnet.Gateway, out gateway, out error)) faults.Add(new SubnetFault("gateway", error));
            else if (hasCidr && !Contains(cidr, gateway)) faults.Add(new SubnetFault("gateway", $"{gateway} is not in {cidr}."));
            else if (hasCidr && IsEdge(cidr, gateway))
                faults.Add(new SubnetFault("gateway", $"{gateway} is the network or broadcast address of {cidr}; choose a host address."));
        }

        var ranges = new List<AddressRange>();
        for (var i = 0; i < subnet.Ranges.Count; i++)
        {
            var from = Inside($"ranges[{i}].from", subnet.Ranges[i].From);
            var to = Inside($"ranges[{i}].to", subnet.Ranges[i].To);
            if (from is null || to is null) continue;
            if (AddressSyntax.TryMakeRange(from, to, out var range, out error)) ranges.Add(range);
            else faults.Add(new SubnetFault($"ranges[{i}]", error));
        }

        var reserved = new List<AddressRange>();
        for (var i = 0; i < subnet.Reserved.Count; i++)
        {
            if (!AddressSyntax.TryParseRange(subnet.Reserved[i], out var range, out error)) faults.Add(new SubnetFault($"reserved[{i}]", error));
            else if (hasCidr && !(Contains(cidr, range.First) && Contains(cidr, range.Last)))
                faults.Add(new SubnetFault($"reserved[{i}]", $"{range} is not in {cidr}."));
            else reserved.Add(range);
        }

        return faults.Count > 0 ? (null, faults) : (Make(cidr, gateway, ranges, reserved), []);

        IPAddress? Inside(string member, string? text)
        {
            if (!AddressSyntax.TryParseAddress(text, out var address, out var fault)) faults.Add(new SubnetFault(member, fault));
            else if (!hasCidr || Contains(cidr, address)) return address;
            else faults.Add(new SubnetFault(member, $"{address} is not in {cidr}."));
            return null;
        }
    }

    /// <summary>A plan from checked parts; no ranges: the whole subnet.</summary>
    public static SubnetPlan Make(IPNetwork cidr, IPAddress? gateway, IReadOnlyCollection<AddressRange> ranges, IReadOnlyCollection<AddressRange> reserved)
    {
        gateway ??= DefaultGatewayOf(cidr);
        var family = cidr.FamilyOf();
        UInt128 first = cidr.First(), last = cidr.Last();
        var unusable = new SortedSet<UInt128>();
        if (HasEdges(cidr))
        {
            // IPv6 has no broadcast; its first address is the subnet-router anycast address (RFC 4291 §2.6.1).
            unusable.Add(first);
            if (family == IPFamily.IPv4) unusable.Add(last);
        }

        if (gateway is not null) unusable.Add(gateway.ToNumber());

        var runs = Union(ranges.Count == 0 ? [(first, last)] : ranges.Select(Numbers));
        var held = Union(reserved.Select(Numbers));
        runs = Subtract(runs, Union(held.Concat(unusable.Select(n => (n, n)))));

        UInt128 capacity = 0;
        foreach (var run in runs) capacity += run.Last - run.First + 1;
        return new SubnetPlan
        {
            Cidr = cidr,
            Gateway = gateway,
            Runs = runs.Select(r => Range(r, family)).ToEquatableList(),
            Capacity = capacity,
            Reserved = held.Select(r => Range(r, family)).ToEquatableList(),
            Unusable = unusable.Select(n => AddressArithmetic.ToAddress(n, family)).ToEquatableList(),
        };
    }

    /// <summary>The first host address; none where every address is usable.</summary>
    public static IPAddress? DefaultGatewayOf(IPNetwork cidr) =>
        HasEdges(cidr) ? AddressArithmetic.ToAddress(cidr.First() + 1, cidr.FamilyOf()) : null;

    /// <summary>Why a network cannot be a pool (contract §3), or null.</summary>
    public static string? RefusalOf(IPNetwork cidr)
    {
        var family = cidr.FamilyOf();
        var shortest = family == IPFamily.IPv4 ? 8 : 32;
        if (cidr.PrefixLength < shortest) return $"{cidr} is too large for a pool; the prefix length must be at least {shortest}.";
        foreach (var (text, name) in RefusedPools)
        {
            var refused = IPNetwork.Parse(text);
            if (refused.FamilyOf() != family) continue;
            if (refused.Contains(cidr.BaseAddress) || cidr.Contains(refused.BaseAddress))
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
        ("fe80::/10", "link-local"),
        ("ff00::/8", "multicast"),
    ];

    /// <summary>It has a network address that no host may have (RFC 3021 and RFC 6164 exempt /31 and /127).</summary>
    private static bool HasEdges(IPNetwork cidr) => AddressArithmetic.BitsOf(cidr.FamilyOf()) - cidr.PrefixLength > 1;

    private static bool IsEdge(IPNetwork cidr, IPAddress address) =>
        HasEdges(cidr) && address.ToNumber() is var number && (number == cidr.First() || (cidr.FamilyOf() == IPFamily.IPv4 && number == cidr.Last()));

    private static bool Contains(IPNetwork cidr, IPAddress address) => cidr.FamilyOf() == address.FamilyOf() && cidr.Contains(address);

    private static (UInt128 First, UInt128 Last) Numbers(AddressRange range) => (range.First.ToNumber(), range.Last.ToNumber());

    private static AddressRange Range((UInt128 First, UInt128 Last) run, IPFamily family) =>
        new(AddressArithmetic.ToAddress(run.First, family), AddressArithmetic.ToAddress(run.Last, family));

    /// <summary>Ascending and disjoint; neighbours that touch become one.</summary>
    private static List<(UInt128 First, UInt128 Last)> Union(IEnumerable<(UInt128 First, UInt128 Last)> runs)
    {
        var result = new List<(UInt128 First, UInt128 Last)>();
        foreach (var run in runs.OrderBy(r => r.First))
        {
            if (result.Count > 0 && (run.First <= result[^1].Last || run.First - result[^1].Last == 1))
                result[^1] = (result[^1].First, UInt128.Max(result[^1].Last, run.Last));
            else
                result.Add(run);
        }

        return result;
    }

    /// <summary>Both ascending and disjoint.</summary>
    private static List<(UInt128 First, UInt128 Last)> Subtract(List<(UInt128 First, UInt128 Last)> runs, List<(UInt128 First, UInt128 Last)> holes)
    {
        var result = new List<(UInt128 First, UInt128 Last)>();
        var hole = 0;
        foreach (var run in runs)
        {
            var start = run.First;
            var done = false;
            while (hole < holes.Count && holes[hole].Last < start) hole++;
            for (var i = hole; i < holes.Count && holes[i].First <= run.Last; i++)
            {
                if (holes[i].First > start) result.Add((start, holes[i].First - 1));
                if (holes[i].Last >= run.Last)
                {
                    done = true;
                    break;
                }

                start = holes[i].Last + 1;
            }

            if (!done) result.Add((start, run.Last));
        }

        return result;
    }
}
