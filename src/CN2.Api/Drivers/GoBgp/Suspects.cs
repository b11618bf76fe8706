namespace CN2.Api.Drivers.GoBgp;

/// <summary>Routes of which an event told something that is not as wanted, with the last that was told. Thread-safe.</summary>
internal sealed class Suspects
{
    private readonly Lock _lock = new();
    private Dictionary<EngineRouteKey, FoundPath> _found = [];

    public void Add(FoundPath found)
    {
        lock (_lock) _found[found.Key!.Value] = found;
    }

    /// <summary>A later event is as wanted: what looked wrong was a change of ours on its way.</summary>
    public void Clear(EngineRouteKey key)
    {
        // A unicast prefix has several paths, and the one that is right says nothing about the others.
        if (!key.Family.IsVpn()) return;
        lock (_lock) _found.Remove(key);
    }

    public IReadOnlyDictionary<EngineRouteKey, FoundPath> Take()
    {
        lock (_lock)
        {
            var taken = _found;
            _found = [];
            return taken;
        }
    }
}
