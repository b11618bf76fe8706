using Xunit.Sdk;
using Xunit.v3;

// A class with BGP routers uses a fifth of a processor: it waits for sessions and timers.
[assembly: Parallelization(MaxThreads = 7)]
[assembly: TestCollectionOrderer(typeof(CN2.Api.Tests.Fixtures.RoutersBesideTheRest))]

namespace CN2.Api.Tests.Fixtures;

/// <summary>
/// Starts a class with real routers, which mostly waits, and another class in turn, so that the processors have work all the time. Of the others, those that
/// start servers and processes of their own come first: started last, a long one would run alone at the end. The longest of both kinds come before all.
/// </summary>
public sealed class RoutersBesideTheRest : ITestCollectionOrderer
{
    private static readonly string[] Longest =
    [
        nameof(Drivers.GoBgp.HostileRouterTests), nameof(Drivers.GoBgp.FenceTests), nameof(Drivers.GoBgp.ImportTests), nameof(Drivers.GoBgp.PeerChangeTests),
        nameof(Drivers.GoBgp.RestartTruthTests), nameof(Drivers.GoBgp.PeerTests),
        nameof(Transport.TlsTests), nameof(Reconcile.SharedFleetTests), nameof(Reconcile.UnreadableDocumentTests), nameof(Reconcile.TwoReplicasTests),
    ];

    private static readonly string[] Long = [".Data.", ".Reconcile.", ".Fuzz.", ".Limiting."];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection
    {
        var byKind = testCollections.OrderBy(c => LongestFirst.RankOf(c, Longest)).ThenBy(NameOf, StringComparer.Ordinal).ToLookup(c => NameOf(c).Contains(".GoBgp.", StringComparison.Ordinal));
        var others = byKind[false].OrderBy(c => LongestFirst.RankOf(c, Longest)).ThenByDescending(c => Long.Any(l => NameOf(c).Contains(l, StringComparison.Ordinal))).ToList();
        var routers = byKind[true].ToList();
        var both = Math.Min(routers.Count, others.Count);
        return [.. routers.Zip(others).SelectMany(pair => new[] { pair.First, pair.Second }), .. routers.Skip(both), .. others.Skip(both)];
    }

    private static string NameOf<TTestCollection>(TTestCollection collection)
        where TTestCollection : ITestCollection => collection.TestCollectionDisplayName;
}
