using System.Globalization;

namespace CN2.Api.Data;

/// <summary>A position in the change feed; a reader at it has read every row up to and including it. As text <c>xid.id</c>, the resume token of a watch.</summary>
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
