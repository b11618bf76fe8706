using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using CN2.Network.Addressing;
using CN2.VRouter.Host;

namespace CN2.VRouter.Inspection;

/// <summary>
/// Reads the table <c>filter</c> of the iptables that came before nftables (linux/netfilter_ipv4/ip_tables.h, netfilter_ipv6/ip6_tables.h) in the
/// network namespace of the calling thread. Only tables that exist are asked for: asking makes the kernel create one that does not.
/// </summary>
internal static class LegacyTables
{
    private const int GetInfo = 64; // IPT_SO_GET_INFO
    private const int GetEntries = 65; // IPT_SO_GET_ENTRIES
    private const int NameLength = 32;
    private const int InfoLength = 84; // struct ipt_getinfo
    private const int EntriesAt = 40; // in struct ipt_get_entries
    private const int MostBytes = 64 * 1024 * 1024;
    private const int Forward = 2; // NF_INET_FORWARD

    /// <summary>The target of the entry behind the last rule of a chain (XT_ERROR_TARGET).</summary>
    private const string EndOfChain = "ERROR";

    /// <summary>The tables whose chain FORWARD does not let everything pass.</summary>
    public static IReadOnlyList<(string Name, IPFamily Family, Passage Passage)> Read(bool ipv6)
    {
        var found = new List<(string, IPFamily, Passage)>();
        foreach (var family in (IPFamily[])(ipv6 ? [IPFamily.IPv4, IPFamily.IPv6] : [IPFamily.IPv4]))
        {
            var names = NodeFile.Lines(family == IPFamily.IPv4 ? "/proc/thread-self/net/ip_tables_names" : "/proc/thread-self/net/ip6_tables_names");
            if (!names.Contains("filter") || Table(family) is not { } table) continue;
            var (judged, drops) = table;
            if (judged != Passage.Passes)
                found.Add(($"chain FORWARD of the {(family == IPFamily.IPv4 ? "iptables" : "ip6tables")}-legacy table filter (policy {(drops ? "DROP" : "ACCEPT")})", family, judged));
        }

        return found;
    }

    private static unsafe (Passage, bool Drops)? Table(IPFamily family)
    {
        var (af, level) = family == IPFamily.IPv4 ? (Posix.FamilyIPv4, Posix.LevelIP) : (Posix.FamilyIPv6, Posix.LevelIPv6);
        var socket = Posix.Socket(af, Posix.Raw | Posix.CloseOnExec, 255); // IPPROTO_RAW
        if (socket < 0) return null;
        try
        {
            Span<byte> info = stackalloc byte[InfoLength];
            "filter"u8.CopyTo(info);
            var length = InfoLength;
            fixed (byte* at = info)
                if (Posix.GetOption(socket, level, GetInfo, at, &length) < 0) return null;
            var size = BitConverter.ToUInt32(info[80..]);
            if (size is 0 or > MostBytes) return null;
            var start = BitConverter.ToUInt32(info[(36 + (4 * Forward))..]);
            var end = BitConverter.ToUInt32(info[(56 + (4 * Forward))..]);
            var entries = new byte[EntriesAt + size];
            "filter"u8.CopyTo(entries);
            BitConverter.TryWriteBytes(entries.AsSpan(NameLength), size);
            length = entries.Length;
            fixed (byte* at = entries)
                if (Posix.GetOption(socket, level, GetEntries, at, &length) < 0) return null;
            return Judge(entries.AsSpan(EntriesAt), family, (int)start, (int)end);
        }
        finally
        {
            _ = Posix.Close(socket);
        }
    }

    /// <param name="start">Where the chain begins.</param>
    /// <param name="end">Its last entry: the policy.</param>
    private static (Passage, bool Drops)? Judge(ReadOnlySpan<byte> entries, IPFamily family, int start, int end)
    {
        var shape = family == IPFamily.IPv4 ? new Shape(84, 88, 112) : new Shape(136, 140, 168);
        var rules = new SortedDictionary<int, FilterRule>();
        for (var at = 0; at + shape.Length + 36 <= entries.Length;)
        {
            var entry = entries[at..];
            rules[at] = Rule(entry, at, shape);
            var next = BitConverter.ToUInt16(entry[(shape.TargetOffset + 2)..]);
            if (next < shape.Length) return null;
            at += next;
        }

        if (!rules.TryGetValue(end, out var policy)) return null;
        var drops = policy.Verdict == RuleVerdict.Drop;
        var own = rules.Where(r => r.Key >= start && r.Key < end).Select(r => r.Value).ToList();
        return (ChainJudgement.Of(own, drops, Chain), drops);

        IReadOnlyList<FilterRule> Chain(string target)
        {
            var from = int.Parse(target, CultureInfo.InvariantCulture);
            return [.. rules.Where(r => r.Key >= from).Select(r => r.Value).TakeWhile(r => r.Target != EndOfChain)];
        }
    }

    private static FilterRule Rule(ReadOnlySpan<byte> entry, int at, Shape shape)
    {
        var target = BitConverter.ToUInt16(entry[shape.TargetOffset..]);
        // The addresses, interfaces and protocol of the entry are zero when it asks for none.
        var match = target == shape.Length && !entry[..shape.Criteria].ContainsAnyExcept((byte)0) ? RuleMatch.Always : RuleMatch.Maybe;
        switch (Encoding.ASCII.GetString(entry.Slice(target + 2, 29)).Split('\0')[0])
        {
            case "":
                break;
            case EndOfChain:
                return new(RuleMatch.Never, RuleVerdict.None, EndOfChain);
            case "REJECT":
                return new(match, RuleVerdict.Drop);
            case "NFQUEUE":
                return new(match, RuleVerdict.Unknown);
            default:
                return new(match, RuleVerdict.None);
        }

        var verdict = BinaryPrimitives.ReadInt32LittleEndian(entry[(target + 32)..]);
        return verdict switch
        {
            -1 => new(match, RuleVerdict.Drop),
            -2 => new(match, RuleVerdict.Accept),
            -5 => new(match, RuleVerdict.Return),
            < 0 => new(match, RuleVerdict.Unknown),
            // A jump to the entry right behind is an entry without a target.
            _ when verdict == at + BitConverter.ToUInt16(entry[(shape.TargetOffset + 2)..]) => new(match, RuleVerdict.None),
            _ => new(match, RuleVerdict.Jump, verdict.ToString(CultureInfo.InvariantCulture)),
        };
    }

    /// <param name="Criteria">The length of the addresses, interfaces and protocol at the beginning of an entry.</param>
    /// <param name="TargetOffset">Where the offset of the target stands.</param>
    /// <param name="Length">The length of an entry without matches and target.</param>
    private readonly record struct Shape(int Criteria, int TargetOffset, int Length);
}
