using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>The changes to send to one vRouter, or to several alike, since the last flush. Not for several threads.</summary>
/// <param name="put">Entries to add; they replace what has the same key.</param>
/// <param name="removed">Keys of entries to remove.</param>
/// <param name="common">
/// Further changes, which are one object for all vRouters that get them. They come first: a key that is in <paramref name="put"/> or <paramref name="removed"/> too has
/// what is said there. Null: there are none.
/// </param>
public sealed class NatEntryChanges(IReadOnlyCollection<VirtualRouterNatEntry> put, IReadOnlyCollection<NatEntryKey> removed, NatEntryChanges? common = null)
{
    private IReadOnlyList<NatEntryKey>? _putInVpns;
    private IReadOnlyList<NatEntryKey>? _removedFromVpns;

    public IReadOnlyCollection<VirtualRouterNatEntry> Put => put;

    public IReadOnlyCollection<NatEntryKey> Removed => removed;

    public NatEntryChanges? Common => common;

    /// <summary><see cref="Common"/> and the rest, in the order in which they count. In each, what is removed comes before what is put.</summary>
    public IEnumerable<NatEntryChanges> Parts => common is null ? [this] : [common, this];

    /// <summary>The keys in RoutingInstances that entries are put for, those of <see cref="Common"/> too.</summary>
    public IReadOnlyList<NatEntryKey> PutInVpns => _putInVpns ??= InVpns(put.Select(e => e.Key), common?.PutInVpns);

    /// <summary>The keys in RoutingInstances whose entries are removed, those of <see cref="Common"/> too.</summary>
    public IReadOnlyList<NatEntryKey> RemovedFromVpns => _removedFromVpns ??= InVpns(removed, common?.RemovedFromVpns);

    private List<NatEntryKey> InVpns(IEnumerable<NatEntryKey> own, IReadOnlyList<NatEntryKey>? ofCommon)
    {
        var keys = own.Where(k => k.RoutingInstance != 0).ToList();
        if (ofCommon is not { Count: > 0 }) return keys;
        HashSet<NatEntryKey> named = [.. put.Select(e => e.Key), .. removed];
        keys.AddRange(ofCommon.Where(k => !named.Contains(k)));
        return keys;
    }
}

/// <summary>
/// The changes of one flush: those for every vRouter, and those of the vRouters that get something else. Owners are told apart in the same way, so that what waits for
/// the acknowledgement of many is one set.
/// </summary>
public sealed class NatEntryChangeSet
{
    private readonly Lazy<NatEntryChanges>? _everywhere;
    private readonly IReadOnlyDictionary<string, Part> _different;

    internal NatEntryChangeSet(Lazy<NatEntryChanges>? everywhere, IReadOnlyCollection<Guid> ownersEverywhere, IReadOnlyDictionary<string, Part> different) =>
        (_everywhere, OwnersEverywhere, _different) = (everywhere, ownersEverywhere, different);

    /// <summary>What a vRouter gets that is not told apart; null: nothing. Made when it is asked for.</summary>
    public NatEntryChanges? Everywhere => _everywhere?.Value;

    /// <summary>The owners of the changes for every vRouter: with <see cref="OwnersOnlyOf"/>, those whose status waits for a vRouter's acknowledgement.</summary>
    public IReadOnlyCollection<Guid> OwnersEverywhere { get; }

    /// <summary>The vRouter gets <see cref="Everywhere"/> as it is.</summary>
    public bool IsAlike(string virtualRouter) => !_different.TryGetValue(virtualRouter, out var part) || (!part.HasAny && _everywhere is null);

    /// <summary>Something is to be sent to the vRouter.</summary>
    public bool HasAny(string virtualRouter) => _different.TryGetValue(virtualRouter, out var part) ? part.HasAny : _everywhere is not null;

    /// <summary>What this vRouter gets: <see cref="Everywhere"/>, the same object, unless it gets something else. Null: nothing. Made when it is asked for.</summary>
    public NatEntryChanges? Of(string virtualRouter) => _different.TryGetValue(virtualRouter, out var part) ? part.Changes?.Value : Everywhere;

    /// <summary>Changes for every vRouter are part of what this one gets.</summary>
    public bool GetsEverywhere(string virtualRouter) => _different.TryGetValue(virtualRouter, out var part) ? part.HasEverywhere : _everywhere is not null;

    /// <summary>The owners of what only this vRouter gets.</summary>
    public IReadOnlyCollection<Guid> OwnersOnlyOf(string virtualRouter) => _different.TryGetValue(virtualRouter, out var part) ? part.Owners : [];

    /// <param name="HasAny">Something is to be sent.</param>
    /// <param name="HasEverywhere">Changes for every vRouter are part of it.</param>
    /// <param name="Owners">Of the others.</param>
    /// <param name="Changes">Null: nothing, or nobody asks.</param>
    internal sealed record Part(bool HasAny, bool HasEverywhere, IReadOnlyCollection<Guid> Owners, Lazy<NatEntryChanges>? Changes);
}
