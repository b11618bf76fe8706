using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>The changes to send to one vRouter, or to several alike, since the last flush, and the owners they belong to.</summary>
/// <param name="Put">Entries to add; they replace what has the same key.</param>
/// <param name="Owners">Owners whose status waits for the acknowledgement.</param>
public sealed record NatEntryChanges(IReadOnlyCollection<VirtualRouterNatEntry> Put, IReadOnlyCollection<NatEntryKey> Removed, IReadOnlyCollection<Guid> Owners);

/// <summary>The changes of one flush: those for every vRouter, and those of the vRouters that get something else.</summary>
public sealed class NatEntryChangeSet
{
    private readonly IReadOnlyDictionary<string, NatEntryChanges?> _different;

    internal NatEntryChangeSet(NatEntryChanges? everywhere, IReadOnlyDictionary<string, NatEntryChanges?> different) => (Everywhere, _different) = (everywhere, different);

    /// <summary>What a vRouter gets that is not told apart; null: nothing.</summary>
    public NatEntryChanges? Everywhere { get; }

    /// <summary>What this vRouter gets: <see cref="Everywhere"/>, the same object, unless it gets something else. Null: nothing.</summary>
    public NatEntryChanges? Of(string virtualRouter) => _different.TryGetValue(virtualRouter, out var changes) ? changes : Everywhere;
}
