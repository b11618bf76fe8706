using Xunit.Sdk;
using Xunit.v3;

// A class with an agent or a node uses a seventh of a processor: it waits for packets and timers.
[assembly: Parallelization(MaxThreads = 6)]
[assembly: TestCollectionOrderer(typeof(CN2.VRouter.Tests.LongTestsFirst))]

namespace CN2.VRouter.Tests;

/// <summary>Starts the classes that take longest before all others: started last, one of them would run alone at the end.</summary>
public sealed class LongTestsFirst : ITestCollectionOrderer
{
    private static readonly string[] Longest =
    [
        nameof(AgentProcessTests), nameof(Nft.MovedEndpointTests), nameof(VRouterAgentTests), nameof(Nft.NftDataplaneTests), nameof(Nft.EndingFlowTests),
        nameof(SilentServerTests), nameof(Overlay.NodeDataplaneTests),
    ];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderBy(c => LongestFirst.RankOf(c, Longest)).ThenBy(c => c.TestCollectionDisplayName, StringComparer.Ordinal)];
}
