using CN2.Network.Addressing;

namespace CN2.Network.Grants;

/// <summary>A run of numbers; both ends belong to it.</summary>
public readonly record struct NumberRange(uint First, uint Last) : IComparable<NumberRange>
{
    public bool Contains(uint number) => First <= number && number <= Last;

    /// <summary>Reads <c>7</c>, <c>100-199</c> or <c>*</c> (everything up to <paramref name="largest"/>). False: it is none of them, or runs backwards.</summary>
    public static bool TryParse(string text, uint largest, out NumberRange range)
    {
        range = new NumberRange(0, largest);
        if (text == "*") return true;
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        if (!DecimalNumber.TryRead(dash < 0 ? text : text[..dash], largest, out var first)) return false;
        var last = first;
        if (dash >= 0 && !DecimalNumber.TryRead(text[(dash + 1)..], largest, out last)) return false;
        range = new NumberRange(first, last);
        return first <= last;
    }

    public int CompareTo(NumberRange other) => (First, Last).CompareTo((other.First, other.Last));

    /// <summary>The text that <see cref="TryParse"/> reads: <c>*</c> for everything up to <paramref name="largest"/>.</summary>
    public string ToText(uint largest) => this == new NumberRange(0, largest) ? "*" : First == Last ? $"{First}" : $"{First}-{Last}";
}
