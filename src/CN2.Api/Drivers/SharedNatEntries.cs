using System.Collections;
using CN2.Network.Compilation;
using CN2.Network.Sequencing;

namespace CN2.Api.Drivers;

/// <summary>
/// The entries of one owner on every vRouter that has no endpoint and no route of it. All snapshots refer to it, so a driver encodes it once. It does not
/// change, and may be read from any thread.
/// </summary>
public sealed class SharedNatEntries(CompiledOwner compiled) : IReadOnlyCollection<VirtualRouterNatEntry>
{
    public CompiledOwner Compiled => compiled;

    public int Count { get; } = compiled.NatEntries.Count(e => e.IsElsewhere());

    /// <summary>A driver's encoding, which it makes when it is first needed.</summary>
    internal IReadOnlyList<byte[]>? Encoded { get; set; }

    public IEnumerator<VirtualRouterNatEntry> GetEnumerator() => compiled.NatEntries.Select(e => e.Elsewhere()).OfType<VirtualRouterNatEntry>().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>All entries of one vRouter: those of the owners that it shares with the other vRouters, and its own.</summary>
public sealed class VirtualRouterNatEntries(IReadOnlyList<SharedNatEntries> shared, IReadOnlySet<Guid> ownersOfOwn, IReadOnlyCollection<VirtualRouterNatEntry> own)
    : IReadOnlyCollection<VirtualRouterNatEntry>
{
    public IEnumerable<SharedNatEntries> Shared => shared.Where(s => !ownersOfOwn.Contains(s.Compiled.Owner));

    public IReadOnlyCollection<VirtualRouterNatEntry> Own => own;

    public int Count => Shared.Sum(s => s.Count) + own.Count;

    public IEnumerator<VirtualRouterNatEntry> GetEnumerator() => Shared.SelectMany(s => s).Concat(own).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
