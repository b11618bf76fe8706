using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>
/// Longest-prefix match for one family: a path-compressed binary trie. Immutable, so that packets use it while the next one is made; a
/// change copies the nodes on its way and shares the others.
/// </summary>
internal sealed class PrefixTrie<T>
    where T : class
{
    private readonly Node? _root;

    private PrefixTrie(Node? root, int count)
    {
        _root = root;
        Count = count;
    }

    public static PrefixTrie<T> Empty { get; } = new(null, 0);

    public int Count { get; }

    /// <summary>The value of the longest prefix that covers the address; null: no prefix covers it.</summary>
    public T? Find(AddressKey address)
    {
        T? best = null;
        for (var node = _root; node is not null && address.Matches(node.Key, node.Mask);)
        {
            best = node.Value ?? best;
            if (node.Length == 128) break;
            node = address.Bit(node.Length) ? node.One : node.Zero;
        }

        return best;
    }

    public Editor Edit() => new(this);

    /// <summary>Makes many changes: nodes made by this editor are changed in place, others are copied.</summary>
    internal sealed class Editor
    {
        private Node? _root;
        private int _count;
        private object _owner = new();

        public Editor(PrefixTrie<T> start)
        {
            _root = start._root;
            _count = start.Count;
        }

        public PrefixTrie<T> Done()
        {
            _owner = new object(); // the trie that is returned must not change any more
            return _count == 0 ? Empty : new PrefixTrie<T>(_root, _count);
        }

        public void Set(AddressKey key, int length, T value) => _root = Set(_root, key, length, value);

        public void Remove(AddressKey key, int length) => _root = Remove(_root, key, length);

        private Node Set(Node? node, AddressKey key, int length, T value)
        {
            if (node is null)
            {
                _count++;
                return new Node(_owner, key, length, value);
            }

            var common = Math.Min(Math.Min(node.Length, length), node.Key.CommonBits(key));
            if (common < node.Length)
            {
                _count++;
                var fork = common == length ? new Node(_owner, key, length, value) : new Node(_owner, key, common, null);
                fork.Put(node.Key.Bit(common), node);
                if (common < length) fork.Put(key.Bit(common), new Node(_owner, key, length, value));
                return fork;
            }

            node = Own(node);
            if (length == node.Length)
            {
                if (node.Value is null) _count++;
                node.Value = value;
            }
            else
            {
                var bit = key.Bit(node.Length);
                node.Put(bit, Set(bit ? node.One : node.Zero, key, length, value));
            }

            return node;
        }

        private Node? Remove(Node? node, AddressKey key, int length)
        {
            if (node is null || length < node.Length || !key.Matches(node.Key, node.Mask)) return node;
            if (length == node.Length)
            {
                if (node.Value is null) return node;
                _count--;
                node = Own(node);
                node.Value = null;
            }
            else
            {
                var bit = key.Bit(node.Length);
                var child = bit ? node.One : node.Zero;
                var left = Remove(child, key, length);
                if (ReferenceEquals(left, child)) return node;
                node = Own(node);
                node.Put(bit, left);
            }

            // A node without a value is only needed as a fork.
            return node.Value is not null || (node.Zero is not null && node.One is not null) ? node : node.Zero ?? node.One;
        }

        private Node Own(Node node) => ReferenceEquals(node.Owner, _owner) ? node : node.Copy(_owner);
    }

    private sealed class Node
    {
        public readonly AddressKey Key;
        public readonly AddressKey Mask;
        public readonly int Length;
        public readonly object Owner;
        public T? Value;
        public Node? Zero;
        public Node? One;

        public Node(object owner, AddressKey key, int length, T? value)
        {
            Owner = owner;
            Mask = AddressKey.Mask(length);
            Key = key.And(Mask);
            Length = length;
            Value = value;
        }

        public Node Copy(object owner) => new(owner, Key, Length, Value) { Zero = Zero, One = One };

        public void Put(bool bit, Node? child)
        {
            if (bit) One = child;
            else Zero = child;
        }
    }
}
