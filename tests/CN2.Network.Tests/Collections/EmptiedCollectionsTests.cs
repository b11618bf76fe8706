using CN2.Network.Collections;

namespace CN2.Network.Tests.Collections;

public sealed class EmptiedCollectionsTests
{
    [Theory]
    [InlineData(EmptiedCollections.KeptRoom / 2, false)]
    [InlineData(EmptiedCollections.KeptRoom * 2, true)]
    public void A_collection_that_is_empty_gives_back_very_much_room(int held, bool givesBack)
    {
        HashSet<int> set = [.. Enumerable.Range(0, held)];
        var entries = set.ToDictionary(i => i);
        set.GiveBackRoom();
        entries.GiveBackRoom();
        Assert.True(set.Capacity >= held && entries.Capacity >= held);

        set.Clear();
        entries.Clear();
        set.GiveBackRoom();
        entries.GiveBackRoom();
        Assert.Equal(givesBack, set.Capacity < held);
        Assert.Equal(givesBack, entries.Capacity < held);
    }
}
