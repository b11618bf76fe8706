using CN2.Api.Data;
using CN2.Api.Data.Rows;

namespace CN2.Api.Watch;

/// <summary>
/// Which changes a client has seen in its first list. The pages of the list are of different snapshots: a change counts as seen when the page
/// that its resource belongs to was read after it. So each resource's changes come once and in order, as if the list were of one snapshot.
/// </summary>
internal sealed class ListedPages
{
    private readonly Dictionary<ResourceKind, List<(Guid Last, FeedSnapshot Snapshot)>> _pages = [];

    public void Add(ListedPage page)
    {
        if (!_pages.TryGetValue(page.Kind, out var pages)) _pages[page.Kind] = pages = [];
        pages.Add((page.Last ?? Guid.AllBitsSet, page.Snapshot));
    }

    public bool Saw(ChangeRow change)
    {
        if (!_pages.TryGetValue(change.Kind, out var pages)) return false;
        int low = 0, high = pages.Count - 1;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (pages[middle].Last.CompareTo(change.Uid) < 0) low = middle + 1;
            else high = middle;
        }

        return pages[low].Snapshot.Sees(change.Xid);
    }
}
