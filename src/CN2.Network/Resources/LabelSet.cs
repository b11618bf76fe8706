using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace CN2.Network.Resources;

/// <summary>
/// Labels, or the equality selector of a Service: an immutable map, sorted by key (ordinal), with value equality. There are a hundred thousand
/// of them in memory, so it is one array instead of a hash table; a resource rarely has more than ten labels.
/// </summary>
[SuppressMessage("Naming", "CA1710", Justification = "A label set is the field's word for it.")]
public sealed class LabelSet : IReadOnlyDictionary<string, string>, IEquatable<LabelSet>
{
    private readonly KeyValuePair<string, string>[] _pairs;

    private LabelSet(KeyValuePair<string, string>[] pairs) => _pairs = pairs;

    public static LabelSet Empty { get; } = new([]);

    public static LabelSet Of(IReadOnlyDictionary<string, string> labels) => labels as LabelSet ?? Of(labels, static text => text);

    /// <summary>Replaces every key and value by an equal one, so that a text that many resources have is stored once.</summary>
    public static LabelSet Of(IReadOnlyDictionary<string, string> labels, Func<string, string> intern)
    {
        if (labels.Count == 0) return Empty;
        var pairs = new KeyValuePair<string, string>[labels.Count];
        var next = 0;
        foreach (var (key, value) in labels) pairs[next++] = new(intern(key), intern(value));
        Array.Sort(pairs, static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        return new LabelSet(pairs);
    }

    /// <summary>The pairs in canonical order, without the cost of an enumerator.</summary>
    public ReadOnlySpan<KeyValuePair<string, string>> Pairs => _pairs;

    public int Count => _pairs.Length;

    public string this[string key] => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException($"There is no label '{key}'.");

    public IEnumerable<string> Keys => _pairs.Select(p => p.Key);

    public IEnumerable<string> Values => _pairs.Select(p => p.Value);

    public bool ContainsKey(string key) => TryGetValue(key, out _);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out string value)
    {
        int low = 0, high = _pairs.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = string.CompareOrdinal(_pairs[middle].Key, key);
            if (order == 0)
            {
                value = _pairs[middle].Value;
                return true;
            }

            if (order < 0) low = middle + 1;
            else high = middle - 1;
        }

        value = null;
        return false;
    }

    /// <summary>
    /// Whether every pair of <paramref name="selector"/> is here too. True for an empty selector; the caller decides what that means. Both
    /// are sorted, so one pass over both decides: the cost is the sum of their sizes, not the product.
    /// </summary>
    public bool Contains(LabelSet selector)
    {
        var at = 0;
        foreach (var (key, wanted) in selector._pairs)
        {
            var order = -1;
            while (at < _pairs.Length && (order = string.CompareOrdinal(_pairs[at].Key, key)) < 0) at++;
            if (at == _pairs.Length || order > 0 || !string.Equals(_pairs[at].Value, wanted, StringComparison.Ordinal)) return false;
        }

        return true;
    }

    public bool Equals(LabelSet? other) => other is not null && _pairs.AsSpan().SequenceEqual(other._pairs);

    public override bool Equals(object? obj) => Equals(obj as LabelSet);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var (key, value) in _pairs)
        {
            hash.Add(key);
            hash.Add(value);
        }

        return hash.ToHashCode();
    }

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => ((IEnumerable<KeyValuePair<string, string>>)_pairs).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
