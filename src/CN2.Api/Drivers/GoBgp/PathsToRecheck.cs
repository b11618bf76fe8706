namespace CN2.Api.Drivers.GoBgp;

/// <summary>Routes for which an event differed from what is wanted, each with the last such event. Thread-safe.</summary>
internal sealed class PathsToRecheck
{
    private readonly Lock _lock = new();
    private Dictionary<EngineRouteKey, FoundPath> _found = [];

    public void Add(EngineRouteKey key, FoundPath found)
    {
        lock (_lock) _found[key] = found;
    }

    /// <summary>A later event matches: the earlier one was caused by a change that was still on its way.</summary>
    public void Remove(EngineRouteKey key)
    {
        // A unicast prefix has several paths; one that matches says nothing about the others.
        if (!key.Family.IsVpn()) return;
        lock (_lock) _found.Remove(key);
    }

    public IReadOnlyDictionary<EngineRouteKey, FoundPath> TakeAll()
    {
        lock (_lock)
        {
            var taken = _found;
            _found = [];
            return taken;
        }
    }
}
