using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>The changes to send to one vRouter since the last flush, and the owners they belong to.</summary>
public sealed class NatEntryChanges
{
    private readonly Dictionary<NatEntryKey, Guid> _putBy = [];

    /// <summary>Entries to add; they replace what has the same key.</summary>
    public Dictionary<NatEntryKey, VirtualRouterNatEntry> Put { get; } = [];

    public HashSet<NatEntryKey> Removed { get; } = [];

    /// <summary>Owners whose status waits for the acknowledgement.</summary>
    public HashSet<Guid> Owners { get; } = [];

    /// <summary>Another owner has put an entry of this key.</summary>
    internal bool IsPutByOther(Guid owner, NatEntryKey key) => _putBy.TryGetValue(key, out var by) && by != owner;

    internal void Add(Guid owner, VirtualRouterNatEntry natEntry)
    {
        Owners.Add(owner);
        Removed.Remove(natEntry.Key);
        Put[natEntry.Key] = natEntry;
        _putBy[natEntry.Key] = owner;
    }

    /// <summary>A key that another owner has taken over in the same flush (a node port, a freed address) stays, whichever owner comes first.</summary>
    internal void Remove(Guid owner, NatEntryKey key)
    {
        Owners.Add(owner);
        if (IsPutByOther(owner, key)) return;
        Put.Remove(key);
        _putBy.Remove(key);
        Removed.Add(key);
    }
}
