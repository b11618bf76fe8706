using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>What one vRouter is to be told, collected since the last flush, and for whom.</summary>
public sealed class FrontendChanges
{
    private readonly Dictionary<FrontendKey, Guid> _putBy = [];

    /// <summary>Entries to add; they replace what has the same key.</summary>
    public Dictionary<FrontendKey, VirtualRouterFrontend> Put { get; } = [];

    public HashSet<FrontendKey> Removed { get; } = [];

    /// <summary>Whose status waits for the acknowledgement.</summary>
    public HashSet<Guid> Owners { get; } = [];

    internal void Add(Guid owner, VirtualRouterFrontend frontend)
    {
        Owners.Add(owner);
        Removed.Remove(frontend.Key);
        Put[frontend.Key] = frontend;
        _putBy[frontend.Key] = owner;
    }

    /// <summary>A key that another owner has just taken over (a node port, an address that was freed) stays: whoever comes first.</summary>
    internal void Remove(Guid owner, FrontendKey key)
    {
        Owners.Add(owner);
        if (_putBy.TryGetValue(key, out var by) && by != owner) return;
        Put.Remove(key);
        _putBy.Remove(key);
        Removed.Add(key);
    }
}
