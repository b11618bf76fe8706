using System.Runtime.InteropServices;

namespace CN2.Network.Collections;

/// <summary>An index from keys to the resources that have them. A key without members takes no space.</summary>
internal sealed class MultiMap<TKey, T>(IEqualityComparer<TKey>? comparer = null)
    where TKey : notnull
    where T : class
{
    private readonly Dictionary<TKey, Bag<T>> _bags = new(comparer);

    /// <summary>So many keys will be added.</summary>
    public void MakeRoomFor(int keys) => _bags.EnsureCapacity(keys);

    public void Add(TKey key, T item)
    {
        ref var bag = ref CollectionsMarshal.GetValueRefOrAddDefault(_bags, key, out _);
        bag.Add(item);
    }

    public void Remove(TKey key, T item)
    {
        ref var bag = ref CollectionsMarshal.GetValueRefOrNullRef(_bags, key);
        if (System.Runtime.CompilerServices.Unsafe.IsNullRef(ref bag)) return;
        bag.Remove(item);
        if (bag.Count == 0) _bags.Remove(key);
    }

    /// <summary>The members of a key, or an empty bag.</summary>
    public Bag<T> this[TKey key] => _bags.TryGetValue(key, out var bag) ? bag : default;

    public int CountOf(TKey key) => _bags.TryGetValue(key, out var bag) ? bag.Count : 0;
}
