namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// Which prefixes a limited router gets: the oldest ones. The age of a prefix is that of its FloatingIP, whose uid is a UUIDv7, so the choice
/// depends only on what is wanted and is the same after a restart and on every control node. Not thread-safe; an operation costs O(log n).
/// </summary>
internal sealed class PrefixQuota(LimitedPeer peer)
{
    private readonly Dictionary<EngineRouteKey, Guid> _places = [];
    private readonly SortedSet<Place> _sent = [];
    private readonly SortedSet<Place> _withheld = [];

    public LimitedPeer Peer { get; } = peer;

    public int Sent => _sent.Count;

    public int Withheld => _withheld.Count;

    public bool Withholds(EngineRouteKey key) => _places.TryGetValue(key, out var owner) && _withheld.Contains(new(owner, key));

    /// <summary>Adds a prefix, or takes over that it belongs to another FloatingIP; <paramref name="moved"/> gets the prefixes that are sent or withheld now.</summary>
    public void Put(EngineRouteKey key, Guid owner, HashSet<EngineRouteKey> moved)
    {
        if (_places.TryGetValue(key, out var before))
        {
            if (before == owner) return;
            Remove(key, moved);
        }
        _places[key] = owner;
        var place = new Place(owner, key);
        if (_withheld.Count > 0 && place.CompareTo(_withheld.Min) > 0)
        {
            _withheld.Add(place);
            moved.Add(key);
        }
        else
        {
            _sent.Add(place);
        }
        Balance(moved);
    }

    public void Remove(EngineRouteKey key, HashSet<EngineRouteKey> moved)
    {
        if (!_places.Remove(key, out var owner)) return;
        if (!_sent.Remove(new(owner, key))) _withheld.Remove(new(owner, key));
        Balance(moved);
    }

    private void Balance(HashSet<EngineRouteKey> moved)
    {
        while (_sent.Count > Peer.Most) Move(_sent, _sent.Max, _withheld);
        while (_sent.Count < Peer.Most && _withheld.Count > 0) Move(_withheld, _withheld.Min, _sent);

        void Move(SortedSet<Place> from, Place place, SortedSet<Place> to)
        {
            from.Remove(place);
            to.Add(place);
            moved.Add(place.Key);
        }
    }

    /// <summary>Oldest first; equally old ones by their prefix.</summary>
    private readonly record struct Place(Guid Owner, EngineRouteKey Key) : IComparable<Place>
    {
        public int CompareTo(Place other)
        {
            var age = Owner.CompareTo(other.Owner);
            if (age != 0) return age;
            var prefix = Key.Prefix.Value.CompareTo(other.Key.Prefix.Value);
            return prefix != 0 ? prefix : Key.Distinguisher.CompareTo(other.Key.Distinguisher);
        }
    }
}
