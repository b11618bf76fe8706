using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>What one vRouter is to be told, collected since the last flush, and for whom.</summary>
public sealed class NatEntryChanges
{
    private readonly Dictionary<NatEntryKey, Guid> _putBy = [];

    /// <summary>Entries to add; they replace what has the same key.</summary>
    public Dictionary<NatEntryKey, VirtualRouterNatEntry> Put { get; } = [];

    public HashSet<NatEntryKey> Removed { get; } = [];

    /// <summary>Whose status waits for the acknowledgement.</summary>
    public HashSet<Guid> Owners { get; } = [];

    internal void Add(Guid owner, VirtualRouterNatEntry natEntry)
    {
        Owners.Add(owner);
        Removed.Remove(natEntry.Key);
        Put[natEntry.Key] = natEntry;
        _putBy[natEntry.Key] = owner;
    }

    /// <summary>A key that another owner has just taken over (a node port, an address that was freed) stays: whoever comes first.</summary>
    internal void Remove(Guid owner, NatEntryKey key)
    {
        Owners.Add(owner);
        if (_putBy.TryGetValue(key, out var by) && by != owner) return;
        Put.Remove(key);
        _putBy.Remove(key);
        Removed.Add(key);
    }
}
