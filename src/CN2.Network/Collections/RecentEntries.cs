namespace CN2.Network.Collections;

/// <summary>Dictionaries that keep what was put last.</summary>
public static class RecentEntries
{
    /// <summary>Puts the entry as the last one. The first one goes where there would be more than <paramref name="most"/>.</summary>
    public static void PutLast<TKey, TValue>(this OrderedDictionary<TKey, TValue> entries, TKey key, TValue value, int most)
        where TKey : notnull
    {
        entries.Remove(key);
        if (entries.Count >= most) entries.RemoveAt(0);
        entries.Add(key, value);
    }
}
