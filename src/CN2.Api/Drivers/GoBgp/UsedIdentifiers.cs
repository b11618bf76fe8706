namespace CN2.Api.Drivers.GoBgp;

/// <summary>
/// For each prefix that lost a path since the engine started, the highest wire identifier of its lost paths: the engine never uses those
/// again. Prefixes that lost their last path are remembered up to <see cref="Limit"/>, the oldest is forgotten first. Not thread-safe.
/// </summary>
internal sealed class UsedIdentifiers
{
    public const int Limit = 65_536;

    private readonly Dictionary<EngineRouteKey, uint> _highest = [];
    private readonly Queue<EngineRouteKey> _gone = [];
    private readonly HashSet<EngineRouteKey> _doubtful = [];
    private bool _forgot;
    private bool _isUnknown;

    /// <summary>0 when the prefix lost no path; null when that is not known.</summary>
    public uint? Highest(EngineRouteKey key) =>
        _isUnknown || _doubtful.Contains(key) ? null : _highest.TryGetValue(key, out var highest) ? highest : _forgot ? null : 0;

    /// <summary>The engine may have used other numbers for this prefix than were expected.</summary>
    public void Doubt(EngineRouteKey key)
    {
        _doubtful.Add(key);
        if (_doubtful.Count > Limit) DoubtAll();
    }

    /// <summary>The engine was in use before this server knew it.</summary>
    public void DoubtAll()
    {
        _isUnknown = true;
        _doubtful.Clear();
    }

    /// <param name="isLast">The prefix has no path any more.</param>
    public void Add(EngineRouteKey key, uint identifier, bool isLast)
    {
        _highest[key] = Math.Max(_highest.GetValueOrDefault(key), identifier);
        if (!isLast) return;
        _gone.Enqueue(key);
        if (_gone.Count <= Limit) return;
        _forgot = true;
        _highest.Remove(_gone.Dequeue());
    }

    /// <summary>The engine was started anew.</summary>
    public void Clear()
    {
        _highest.Clear();
        _gone.Clear();
        _doubtful.Clear();
        _forgot = _isUnknown = false;
    }
}
