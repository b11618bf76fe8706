using System.Globalization;

namespace CN2.Api.Data;

/// <summary>Which transactions a snapshot sees (<c>pg_current_snapshot()</c> as text: <c>xmin:xmax:running,…</c>).</summary>
public sealed class FeedSnapshot
{
    private readonly ulong _xmax;
    private readonly HashSet<ulong> _running;

    public FeedSnapshot(string text)
    {
        var parts = text.Split(':');
        Xmin = ulong.Parse(parts[0], CultureInfo.InvariantCulture);
        _xmax = ulong.Parse(parts[1], CultureInfo.InvariantCulture);
        _running = [.. parts[2].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(p => ulong.Parse(p, CultureInfo.InvariantCulture))];
    }

    /// <summary>The oldest transaction that was still running; the snapshot sees all transactions before it.</summary>
    public ulong Xmin { get; }

    public bool Sees(ulong xid) => xid < Xmin || (xid < _xmax && !_running.Contains(xid));
}
