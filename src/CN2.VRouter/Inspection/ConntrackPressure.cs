using System.Globalization;
using CN2.Network.Status;

namespace CN2.VRouter.Inspection;

/// <summary>
/// Whether the kernel's table of tracked flows is full: it then drops packets of new flows, and flows that must be translated cannot begin. The
/// kernel counts a drop also where two packets begin the same flow at once, so its counters count only when the table is nearly full. One task at a time calls it.
/// </summary>
/// <param name="time">For how long a drop is said: <see cref="Remembered"/>.</param>
internal sealed class ConntrackPressure(TimeProvider time)
{
    /// <summary>A table that overflows now and then is full for this long after each time.</summary>
    public static readonly TimeSpan Remembered = TimeSpan.FromSeconds(30);

    private const double NearlyFull = 0.9;

    private (long Dropped, long Evicted)? _before;
    private long? _overflowedAt;

    public IEnumerable<NodeFault> Faults() => Faults(
        NodeFile.Word("/proc/sys/net/netfilter/nf_conntrack_count"),
        NodeFile.Word("/proc/sys/net/netfilter/nf_conntrack_max"),
        NodeFile.Lines("/proc/thread-self/net/stat/nf_conntrack"));

    /// <param name="statistics">Lines of /proc/net/stat/nf_conntrack: names of columns, then hexadecimal numbers for each CPU.</param>
    internal IEnumerable<NodeFault> Faults(string? count, string? maximum, IReadOnlyList<string> statistics)
    {
        var now = (Dropped: Sum(statistics, "drop"), Evicted: Sum(statistics, "early_drop"));
        var grew = _before is { } before && (now.Dropped > before.Dropped || now.Evicted > before.Evicted);
        _before = now;
        if (!long.TryParse(count, CultureInfo.InvariantCulture, out var flows) || !long.TryParse(maximum, CultureInfo.InvariantCulture, out var most) || most == 0) yield break;
        if (grew && flows >= most * NearlyFull) _overflowedAt = time.GetTimestamp();
        // Without numbers that change all the time: the text is stored and shown.
        var table = string.Create(CultureInfo.InvariantCulture, $"the kernel's table of tracked flows ({most} at most)");
        const string Remedy = "raise net.netfilter.nf_conntrack_max, or shorten its timeouts";
        if (flows >= most || (_overflowedAt is { } at && time.GetElapsedTime(at) < Remembered))
            yield return new NodeFault(NodeFaultReason.ConntrackFull, $"{table} is full, and packets of new flows are dropped; {Remedy}", TrafficKinds.All);
        else if (flows >= most * NearlyFull)
            yield return new NodeFault(NodeFaultReason.ConntrackNearlyFull, $"{table} is nearly full; then packets of new flows are dropped: {Remedy}", TrafficKinds.All, Stops: false);
    }

    private static long Sum(IReadOnlyList<string> lines, string column)
    {
        if (lines.Count == 0) return 0;
        var at = Array.IndexOf(Words(lines[0]), column);
        return at < 0 ? 0 : lines.Skip(1).Select(Words).Where(w => w.Length > at).Sum(w => long.TryParse(w[at], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var n) ? n : 0);
    }

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
