namespace CN2.Network.Collections;

/// <summary>
/// A set of references that mostly has one or two members. One member is held in place, up to eight in an array, more in a hash set: an index
/// over a hundred thousand Services has no memory for a hash set for each key.
/// </summary>
internal struct Bag<T>
    where T : class
{
    private const int ArrayLimit = 8;
    private T? _first;
    private object? _rest;

    public int Count { get; private set; }

    public void Add(T item)
    {
        switch (_rest)
        {
            case HashSet<T> set:
                if (set.Add(item)) Count++;
                return;
            case T[] array:
                var used = array.AsSpan(0, Count);
                foreach (var member in used)
                    if (ReferenceEquals(member, item)) return;
                if (Count == ArrayLimit)
                {
                    var many = new HashSet<T>(array, ReferenceEqualityComparer.Instance) { item };
                    _rest = many;
                    Count = many.Count;
                    return;
                }

                if (Count == array.Length)
                {
                    Array.Resize(ref array, Math.Min(ArrayLimit, Count * 2));
                    _rest = array;
                }

                array[Count++] = item;
                return;
            default:
                if (Count == 0)
                {
                    _first = item;
                    Count = 1;
                }
                else if (!ReferenceEquals(_first, item))
                {
                    _rest = new[] { _first!, item };
                    _first = null;
                    Count = 2;
                }

                return;
        }
    }

    public void Remove(T item)
    {
        switch (_rest)
        {
            case HashSet<T> set:
                if (!set.Remove(item)) return;
                Count--;
                if (Count == ArrayLimit / 2) _rest = set.ToArray();
                return;
            case T[] array:
                var at = Count - 1;
                while (at >= 0 && !ReferenceEquals(array[at], item)) at--;
                if (at < 0) return;
                Count--;
                array[at] = array[Count];
                array[Count] = null!;
                if (Count == 1)
                {
                    _first = array[0];
                    _rest = null;
                }

                return;
            default:
                if (Count == 0 || !ReferenceEquals(_first, item)) return;
                _first = null;
                Count = 0;
                return;
        }
    }

    public readonly Enumerator GetEnumerator() => new(this);

    /// <summary>The members in any order; the bag must not change meanwhile.</summary>
    public struct Enumerator
    {
        private readonly Bag<T> _bag;
        private HashSet<T>.Enumerator _set;
        private int _index;

        internal Enumerator(Bag<T> bag)
        {
            _bag = bag;
            _index = -1;
            if (bag._rest is HashSet<T> set) _set = set.GetEnumerator();
        }

        public readonly T Current => _bag._rest switch
        {
            HashSet<T> => _set.Current,
            T[] array => array[_index],
            _ => _bag._first!,
        };

        public bool MoveNext() => _bag._rest is HashSet<T> ? _set.MoveNext() : ++_index < _bag.Count;
    }
}
