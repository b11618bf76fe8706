using CN2.Network.Grants;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>Regular expressions for decimal numbers in a range: the engine compares communities as text, and its expressions cannot say "not". Pure.</summary>
internal static class NumberExpression
{
    /// <summary>Matches the numbers of these ranges and no other; they are written without leading zeros. Not anchored. Empty: there is no range.</summary>
    public static string Of(IEnumerable<NumberRange> ranges) => string.Join('|', ranges.SelectMany(Parts).Distinct(StringComparer.Ordinal));

    /// <summary>The numbers from 0 to <paramref name="largest"/> that lie in none of these ranges.</summary>
    public static List<NumberRange> Gaps(IEnumerable<NumberRange> ranges, uint largest)
    {
        var gaps = new List<NumberRange>();
        var next = 0UL;
        foreach (var range in ranges.Order())
        {
            if (range.First > next) gaps.Add(new NumberRange((uint)next, range.First - 1));
            next = Math.Max(next, range.Last + 1UL);
        }

        if (next <= largest) gaps.Add(new NumberRange((uint)next, largest));
        return gaps;
    }

    /// <summary>Expressions that each fix the first digits, give one digit a range, and leave the rest open.</summary>
    private static IEnumerable<string> Parts(NumberRange range)
    {
        ulong first = range.First;
        while (first <= range.Last)
        {
            // The largest run of the form prefix, digit range, any digits: it begins here and stays within the range and within one length.
            var open = 1UL;
            while (first % (open * 10) == 0 && first != 0 && first + open * 10 - 1 <= range.Last && HasSameLength(first, first + open * 10 - 1)) open *= 10;
            var digits = 1UL;
            while (first / open % 10 + digits < 10 && first + (digits + 1) * open - 1 <= range.Last && HasSameLength(first, first + (digits + 1) * open - 1)) digits++;
            var head = first / open / 10;
            var from = first / open % 10;
            var length = (int)Math.Round(Math.Log10(open));
            yield return (head > 0 ? $"{head}" : "") + (digits == 1 ? $"{from}" : $"[{from}-{from + digits - 1}]") + (length == 0 ? "" : length == 1 ? "[0-9]" : $"[0-9]{{{length}}}");
            first += digits * open;
        }
    }

    private static bool HasSameLength(ulong one, ulong other) => $"{one}".Length == $"{other}".Length;
}
