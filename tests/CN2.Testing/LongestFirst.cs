using Xunit.Sdk;

namespace CN2.Testing;

/// <summary>The order in which a project's test classes start: the longest first, because one that is started last would run alone at the end.</summary>
public static class LongestFirst
{
    /// <param name="collection">Of one test class.</param>
    /// <param name="longest">Names of the classes that take longest, the longest first.</param>
    /// <returns>Its place among them; all others have the last one.</returns>
    public static int RankOf(ITestCollection collection, IReadOnlyList<string> longest)
    {
        for (var i = 0; i < longest.Count; i++)
            if (collection.TestCollectionDisplayName.Contains("." + longest[i], StringComparison.Ordinal)) return i;
        return longest.Count;
    }
}
