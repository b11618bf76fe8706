using CN2.Api.Allocation;
using CN2.Network.Resources;

namespace CN2.Api.Tests.Allocation;

/// <summary>What the catalog keeps in memory between two changes of its rows.</summary>
public sealed class CatalogSnapshotTests
{
    [Fact]
    public void Answers_are_kept_for_a_limited_number_of_questions()
    {
        var snapshot = new CatalogSnapshot(1, new Dictionary<string, LabelSet> { ["default"] = LabelSet.Of(new Dictionary<string, string>()) }, [], [], []);
        // A client may name any network, also with ?dryRun=true, and nothing of it changes the catalog.
        for (var i = 0; i < 3 * CatalogSnapshot.MostRemembered; i++) Assert.Empty(snapshot.CandidatesFor("default", $"default/none{i}", null).Networks);
        Assert.InRange(snapshot.Remembered, 1, CatalogSnapshot.MostRemembered);
        Assert.Equal("NetworkNotFound", snapshot.CandidatesFor("default", "default/one-more", null).Reason);
    }
}
