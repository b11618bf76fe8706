using Xunit.Sdk;
using Xunit.v3;

// Most classes wait for BGP sessions and timers: with four at a time, two cores are idle for half of the time.
[assembly: Parallelization(MaxThreads = 4)]
[assembly: TestCollectionOrderer(typeof(CN2.Api.Tests.Fixtures.RoutersFirst))]

namespace CN2.Api.Tests.Fixtures;

/// <summary>Starts the classes with real routers first: they take longest, and started last they would run alone at the end.</summary>
public sealed class RoutersFirst : ITestCollectionOrderer
{
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderByDescending(c => c.TestCollectionDisplayName.Contains(".GoBgp.", StringComparison.Ordinal)).ThenBy(c => c.TestCollectionDisplayName, StringComparer.Ordinal)];
}
