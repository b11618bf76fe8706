using System.Globalization;

namespace CN2.Api.Data;

/// <summary>A place in the change feed: everything up to and including it is known. Written <c>xid.id</c>: the watch's resume token.</summary>
public readonly record struct FeedPosition(ulong Xid, long Id) : IComparable<FeedPosition>
{
    public static bool TryParse(string? text, out FeedPosition position)
    {
        position = default;
        var dot = text?.IndexOf('.', StringComparison.Ordinal) ?? -1;
        if (dot <= 0 || !ulong.TryParse(text.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var xid)
            || !long.TryParse(text.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var id)) return false;
        position = new FeedPosition(xid, id);
        return true;
    }

    public int CompareTo(FeedPosition other) => Xid != other.Xid ? Xid.CompareTo(other.Xid) : Id.CompareTo(other.Id);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Xid}.{Id}");
}

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

    /// <summary>The oldest transaction that still ran: everything before is seen.</summary>
    public ulong Xmin { get; }

    public bool Sees(ulong xid) => xid < Xmin || (xid < _xmax && !_running.Contains(xid));
}
