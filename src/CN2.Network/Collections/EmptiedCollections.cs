namespace CN2.Network.Collections;

/// <summary>Collections that are filled and emptied again and again. They keep the room for the most that they ever held, which is all resources at a start.</summary>
public static class EmptiedCollections
{
    /// <summary>Room for so many stays, so that the rounds of every day allocate nothing.</summary>
    public const int KeptRoom = 10_000;

    /// <summary>Gives the room back when the set is empty and has very much.</summary>
    public static void GiveBackRoom<T>(this HashSet<T> set)
    {
        if (set.Count == 0 && set.Capacity > KeptRoom) set.TrimExcess();
    }

    /// <inheritdoc cref="GiveBackRoom{T}(HashSet{T})"/>
    public static void GiveBackRoom<TKey, TValue>(this Dictionary<TKey, TValue> entries)
        where TKey : notnull
    {
        if (entries.Count == 0 && entries.Capacity > KeptRoom) entries.TrimExcess();
    }
}
