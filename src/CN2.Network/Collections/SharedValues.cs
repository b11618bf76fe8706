using System.Diagnostics.CodeAnalysis;

namespace CN2.Network.Collections;

/// <summary>
/// Answers for a value an equal one that came before it, so that a hundred thousand resources that have equal parts share one object. A limited number of values is
/// remembered, and a newer one takes the place of an older one: a value that is forgotten is only in memory once more. Not thread-safe.
/// </summary>
/// <param name="comparer">Which values are equal; null: the default.</param>
public sealed class SharedValues<T>(IEqualityComparer<T>? comparer = null)
    where T : class
{
    /// <summary>So many are remembered at most; 128 KiB of references.</summary>
    public const int MostRemembered = 16_384;

    private readonly IEqualityComparer<T> _comparer = comparer ?? EqualityComparer<T>.Default;
    private T?[] _remembered = [];

    /// <summary>An equal value. It must not be changed by anybody.</summary>
    [return: NotNullIfNotNull(nameof(value))]
    public T? Of(T? value)
    {
        if (value is null) return null;
        if (_remembered.Length == 0) _remembered = new T[MostRemembered];
        ref var place = ref _remembered[(uint)_comparer.GetHashCode(value) % MostRemembered];
        if (place is null || !_comparer.Equals(place, value)) place = value;
        return place;
    }
}
