using System.Diagnostics.CodeAnalysis;

namespace CN2.Network.Collections;

/// <summary>
/// Answers for a value an equal one that came before it, so that a hundred thousand resources that have equal parts share one object. A limited number of values is
/// remembered, and a newer one takes the place of an older one: a value that is forgotten is only in memory once more. Nor is a large value remembered: few resources have it
/// equal, and it would stay in memory when they are gone. Not thread-safe.
/// </summary>
/// <param name="comparer">Which values are equal; null: the default.</param>
/// <param name="partsOf">How many parts a value has; null: every value is small.</param>
public sealed class SharedValues<T>(IEqualityComparer<T>? comparer = null, Func<T, int>? partsOf = null)
    where T : class
{
    /// <summary>So many are remembered at most; 128 KiB of references.</summary>
    public const int MostRemembered = 16_384;

    /// <summary>A value with more parts is not remembered.</summary>
    public const int MostParts = 16;

    private readonly IEqualityComparer<T> _comparer = comparer ?? EqualityComparer<T>.Default;
    private T?[] _remembered = [];

    /// <summary>An equal value. It must not be changed by anybody.</summary>
    [return: NotNullIfNotNull(nameof(value))]
    public T? Of(T? value)
    {
        if (value is null || partsOf?.Invoke(value) > MostParts) return value;
        if (_remembered.Length == 0) _remembered = new T[MostRemembered];
        ref var place = ref _remembered[(uint)_comparer.GetHashCode(value) % MostRemembered];
        if (place is { } known && _comparer.Equals(known, value)) return known;
        return place = value;
    }
}
