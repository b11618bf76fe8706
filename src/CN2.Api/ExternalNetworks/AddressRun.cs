using CN2.Network.Addressing;

namespace CN2.Api.ExternalNetworks;

/// <summary>Addresses of one family as numbers, both ends included.</summary>
public readonly record struct AddressRun(UInt128 First, UInt128 Last)
{
    public static List<AddressRun> Of(IEnumerable<AddressRange> ranges) => [.. ranges.Select(r => new AddressRun(r.First.ToNumber(), r.Last.ToNumber()))];

    /// <summary>What of <paramref name="runs"/> is not in <paramref name="without"/>; both ascending and disjoint.</summary>
    public static List<AddressRun> Subtract(IReadOnlyList<AddressRun> runs, IReadOnlyList<AddressRun> without)
    {
        var left = new List<AddressRun>();
        foreach (var run in runs)
        {
            var first = run.First;
            var done = false;
            foreach (var hole in without)
            {
                if (hole.Last < first) continue;
                if (hole.First > run.Last) break;
                if (hole.First > first) left.Add(new AddressRun(first, hole.First - 1));
                if (hole.Last >= run.Last)
                {
                    done = true;
                    break;
                }

                first = hole.Last + 1;
            }

            if (!done) left.Add(new AddressRun(first, run.Last));
        }

        return left;
    }
}
