using CN2.Network.Compilation;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>
/// Elements that can say one thing only where several NAT entries may want them to say another. They follow the first entry in the order of keys, and
/// whether there are others. The cost of a change does not depend on how many entries claim a target.
/// </summary>
/// <typeparam name="T">What the elements are about.</typeparam>
/// <param name="targets">What a NAT entry claims; it may name a target twice.</param>
/// <param name="elements">The elements of a target, by its first entry and whether that is the only one.</param>
/// <param name="order">The canonical order of targets, so that the same change gives the same text.</param>
internal sealed class EntryClaims<T>(Func<DataplaneNatEntry, IEnumerable<T>> targets, Func<T, NatEntryKey, bool, IEnumerable<NftElement>> elements, IComparer<T> order)
    where T : notnull
{
    private readonly Dictionary<T, SortedSet<NatEntryKey>> _claims = [];

    public IEnumerable<NftElement> Elements() => _claims.OrderBy(c => c.Value.Min).ThenBy(c => c.Key, order).SelectMany(c => elements(c.Key, c.Value.Min, c.Value.Count == 1));

    /// <summary>The NAT entries that claim the target.</summary>
    public IReadOnlyCollection<NatEntryKey> Of(T target) => _claims.TryGetValue(target, out var claims) ? claims : [];

    public void Add(DataplaneNatEntry natEntry)
    {
        foreach (var target in targets(natEntry)) Add(target, natEntry.Key);
    }

    /// <summary>Records in the draft that <paramref name="before"/> becomes <paramref name="after"/>.</summary>
    public void Record(Draft draft, DataplaneNatEntry? before, DataplaneNatEntry? after)
    {
        HashSet<T> had = before is null ? [] : [.. targets(before)];
        HashSet<T> has = after is null ? [] : [.. targets(after)];
        foreach (var target in had.Except(has)) draft.Of(target).Removed.Add(before!.Key);
        foreach (var target in has.Except(had)) draft.Of(target).Added.Add(after!.Key);
    }

    /// <summary>The elements that the draft removes and adds.</summary>
    public (List<NftElement> Removed, List<NftElement> Added) Difference(Draft draft)
    {
        var removed = new List<NftElement>();
        var added = new List<NftElement>();
        foreach (var (target, change) in draft.Changes.OrderBy(c => c.Key, order))
        {
            var claims = _claims.GetValueOrDefault(target);
            NatEntryKey[] left = [.. (claims ?? []).Where(k => !change.Removed.Contains(k)).Take(2), .. change.Added];
            NftElement[] had = claims is null ? [] : [.. elements(target, claims.Min, claims.Count == 1)];
            NftElement[] has = left.Length == 0 ? [] : [.. elements(target, left.Min(), left.Length == 1)];
            removed.AddRange(had.Except(has));
            added.AddRange(has.Except(had));
        }

        return (removed, added);
    }

    /// <summary>The kernel has accepted the draft.</summary>
    public void Accept(Draft draft)
    {
        foreach (var (target, change) in draft.Changes)
        {
            foreach (var key in change.Added) Add(target, key);
            if (!_claims.TryGetValue(target, out var claims)) continue;
            foreach (var key in change.Removed) claims.Remove(key);
            if (claims.Count == 0) _claims.Remove(target);
        }
    }

    private void Add(T target, NatEntryKey key)
    {
        if (!_claims.TryGetValue(target, out var claims)) _claims.Add(target, claims = []);
        claims.Add(key);
    }

    /// <summary>A change that the kernel has not accepted yet.</summary>
    public sealed class Draft
    {
        internal Dictionary<T, (HashSet<NatEntryKey> Added, HashSet<NatEntryKey> Removed)> Changes { get; } = [];

        internal (HashSet<NatEntryKey> Added, HashSet<NatEntryKey> Removed) Of(T target)
        {
            if (!Changes.TryGetValue(target, out var change)) Changes.Add(target, change = ([], []));
            return change;
        }
    }
}
