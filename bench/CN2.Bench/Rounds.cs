namespace CN2.Bench;

/// <summary>Of several rounds of one measurement.</summary>
internal static class Rounds
{
    /// <summary>The one in the middle; of an even number the later of the two.</summary>
    public static double Median<T>(this IReadOnlyCollection<T> rounds, Func<T, double> value) => rounds.Select(value).Order().ElementAt(rounds.Count / 2);
}
