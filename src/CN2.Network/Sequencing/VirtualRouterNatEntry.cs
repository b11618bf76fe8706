using System.Net;
using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.Network.Resources;

namespace CN2.Network.Sequencing;

/// <summary>
/// One NAT entry as a single vRouter gets it. If <see cref="VirtualRouterBackend.Local"/> is false, the vRouter translates the source to the
/// address of its node.
/// </summary>
public sealed record VirtualRouterNatEntry(
    NatEntryKey Key,
    EquatableList<VirtualRouterBackend> Backends,
    bool ClientIPAffinity,
    EquatableList<IPNetwork> SourceRanges)
{
    /// <summary>Backends that get no new flows. Established flows (UDP too) go on, so an entry without other backends stays for them.</summary>
    public EquatableList<VirtualRouterBackend> Draining { get; init; } = [];

    /// <summary>
    /// Backends on other vRouters for new flows of callers inside: pods of this node, and the node itself. Only where <see cref="Backends"/> is empty.
    /// </summary>
    public EquatableList<VirtualRouterBackend> Inside { get; init; } = [];

    /// <summary>The address has a route through this vRouter, which therefore refuses what no entry of the address translates.</summary>
    public bool RefusesOthers { get; init; }

    /// <summary>The vRouter answers echo requests to the address. Only with <see cref="RefusesOthers"/>.</summary>
    public bool AnswersPing { get; init; }

    /// <inheritdoc cref="NatEntry.MostSlots"/>
    public int MostSlots { get; init; } = SlotBudget.Most;

    /// <summary>The entry takes new flows from everywhere.</summary>
    public bool Carries => Backends.Count > 0;
}

/// <summary><paramref name="Weight"/>: its share of the new flows in proportion to the others of the list.</summary>
public readonly record struct VirtualRouterBackend(IPAddress Address, ushort Port, bool Local, int Weight = VirtualMachineInterface.LowestWeight);

/// <summary>What a single vRouter gets of an owner's NAT entries.</summary>
public static class NatEntryProjection
{
    /// <summary>The entry of <paramref name="natEntry"/> on <paramref name="virtualRouter"/>, or null when that vRouter gets none.</summary>
    public static VirtualRouterNatEntry? On(this NatEntry natEntry, string virtualRouter)
    {
        if (natEntry.OnlyOn is { } only && only.AsSpan().BinarySearch(virtualRouter, StringComparer.Ordinal) < 0) return null;
        var localOnly = natEntry.Scope == NatEntryScope.LocalBackends;
        var backends = Project(natEntry.Backends, virtualRouter, localOnly);
        var draining = Project(natEntry.Draining, virtualRouter, localOnly);
        EquatableList<VirtualRouterBackend> inside = natEntry.ServesInside && backends.Count == 0 ? Project(natEntry.Backends, virtualRouter, localOnly: false) : [];
        if (backends.Count + draining.Count + inside.Count == 0) return null;
        var routed = natEntry.Answers.RoutedBy.AsSpan().BinarySearch(virtualRouter, StringComparer.Ordinal) >= 0;
        return new VirtualRouterNatEntry(natEntry.Key, backends, natEntry.ClientIPAffinity, natEntry.SourceRanges)
        {
            Draining = draining,
            Inside = inside,
            RefusesOthers = routed,
            AnswersPing = routed && natEntry.Answers.Ping,
            MostSlots = natEntry.MostSlots,
        };
    }

    /// <summary>The entry on every vRouter that has no backend and no route of it, or null when those get none.</summary>
    public static VirtualRouterNatEntry? Elsewhere(this NatEntry natEntry) => natEntry.On(""); // no vRouter has this name

    /// <summary><see cref="Elsewhere"/> is not null.</summary>
    public static bool IsElsewhere(this NatEntry natEntry)
    {
        if (natEntry.OnlyOn is not null) return false;
        var localOnly = natEntry.Scope == NatEntryScope.LocalBackends;
        return (!localOnly && (HasForAll(natEntry.Backends) || HasForAll(natEntry.Draining))) || (natEntry.ServesInside && HasForAll(natEntry.Backends));
    }

    private static bool HasForAll(EquatableList<Backend> backends)
    {
        foreach (var backend in backends.AsSpan())
            if (!backend.OnlyLocal) return true;
        return false;
    }

    /// <summary>
    /// In canonical order. Only a lost vRouter itself keeps its backends (headless). An address that is used on two nodes means the local one.
    /// </summary>
    private static EquatableList<VirtualRouterBackend> Project(EquatableList<Backend> backends, string virtualRouter, bool localOnly)
    {
        if (backends.Count == 1)
        {
            var only = backends[0];
            var isLocal = string.Equals(only.VirtualRouter, virtualRouter, StringComparison.Ordinal);
            return isLocal || !(localOnly || only.OnlyLocal) ? [new VirtualRouterBackend(only.Address, only.Port, isLocal, only.Weight)] : [];
        }

        List<VirtualRouterBackend>? projected = null;
        foreach (var backend in backends.AsSpan())
        {
            var local = string.Equals(backend.VirtualRouter, virtualRouter, StringComparison.Ordinal);
            if (!local && (localOnly || backend.OnlyLocal)) continue;
            projected ??= [];

            // The backends are sorted by address and port, so equal ones are neighbours.
            if (projected.Count > 0 && projected[^1] is var last && last.Port == backend.Port && last.Address.Equals(backend.Address))
            {
                if (local) projected[^1] = last with { Local = true, Weight = backend.Weight };
                continue;
            }

            projected.Add(new VirtualRouterBackend(backend.Address, backend.Port, local, backend.Weight));
        }

        return projected is null ? [] : projected.ToEquatableList();
    }
}
