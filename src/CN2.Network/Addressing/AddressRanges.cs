namespace CN2.Network.Addressing;

/// <summary>Sets of addresses of one family, as ranges.</summary>
public static class AddressRanges
{
    /// <summary>All addresses of <paramref name="ranges"/>: ascending, disjoint, and ranges that touch become one.</summary>
    public static List<AddressRange> Union(IEnumerable<AddressRange> ranges)
    {
        var result = new List<AddressRange>();
        foreach (var range in ranges.OrderBy(r => r.First.ToNumber()))
        {
            if (result.Count > 0 && result[^1] is var before && Touch(before, range))
                result[^1] = before.Last.ToNumber() >= range.Last.ToNumber() ? before : new AddressRange(before.First, range.Last);
            else
                result.Add(range);
        }

        return result;
    }

    /// <summary>The addresses of <paramref name="ranges"/> that are not in <paramref name="without"/>. Both, and the result, are ascending and disjoint.</summary>
    public static List<AddressRange> Subtract(IReadOnlyList<AddressRange> ranges, IReadOnlyList<AddressRange> without)
    {
        var result = new List<AddressRange>();
        var hole = 0;
        foreach (var range in ranges)
        {
            UInt128 start = range.First.ToNumber(), last = range.Last.ToNumber();
            var used = false;
            while (hole < without.Count && without[hole].Last.ToNumber() < start) hole++;
            for (var i = hole; i < without.Count && without[i].First.ToNumber() <= last; i++)
            {
                UInt128 holeFirst = without[i].First.ToNumber(), holeLast = without[i].Last.ToNumber();
                if (holeFirst > start) result.Add(AddressRange.Of(start, holeFirst - 1, range.Family));
                if (holeLast >= last)
                {
                    used = true;
                    break;
                }

                start = holeLast + 1;
            }

            if (!used) result.Add(AddressRange.Of(start, last, range.Family));
        }

        return result;
    }

    private static bool Touch(AddressRange before, AddressRange after) =>
        after.First.ToNumber() is var first && before.Last.ToNumber() is var last && (first <= last || first - last == 1);
}
