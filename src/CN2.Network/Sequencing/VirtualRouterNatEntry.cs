using System.Net;
using CN2.Network.Collections;
using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>One NAT entry as a single vRouter gets it. <see cref="VirtualRouterBackend.Local"/> false: the source becomes the node's address.</summary>
public sealed record VirtualRouterNatEntry(
    NatEntryKey Key,
    EquatableList<VirtualRouterBackend> Backends,
    bool ClientIPAffinity,
    EquatableList<IPNetwork> SourceRanges)
{
    /// <summary>No new flows, established ones (UDP too) go on; with no backend left the entry stays for these alone.</summary>
    public EquatableList<VirtualRouterBackend> Draining { get; init; } = [];

    /// <summary>It takes new flows.</summary>
    public bool Carries => Backends.Count > 0;
}

public readonly record struct VirtualRouterBackend(IPAddress Address, ushort Port, bool Local);

/// <summary>What a single vRouter gets of an owner's NAT entries.</summary>
public static class NatEntryProjection
{
    /// <summary>The entry of <paramref name="natEntry"/> on <paramref name="virtualRouter"/>, or null when it carries none.</summary>
    public static VirtualRouterNatEntry? On(this NatEntry natEntry, string virtualRouter)
    {
        var localOnly = natEntry.Scope == NatEntryScope.LocalBackends;
        var backends = Project(natEntry.Backends, virtualRouter, localOnly);
        var draining = Project(natEntry.Draining, virtualRouter, localOnly);
        return backends.Count + draining.Count == 0
            ? null
            : new VirtualRouterNatEntry(natEntry.Key, backends, natEntry.ClientIPAffinity, natEntry.SourceRanges) { Draining = draining };
    }

    /// <summary>
    /// In canonical order. A backend of a lost vRouter is nobody else's (headless); an address used on two nodes means the local one.
    /// </summary>
    private static EquatableList<VirtualRouterBackend> Project(EquatableList<Backend> backends, string virtualRouter, bool localOnly)
    {
        List<VirtualRouterBackend>? projected = null;
        foreach (var backend in backends)
        {
            var local = string.Equals(backend.VirtualRouter, virtualRouter, StringComparison.Ordinal);
            if (!local && (localOnly || backend.OnlyLocal)) continue;
            projected ??= [];

            // Sorted by address and port: twins are neighbours.
            if (projected.Count > 0 && projected[^1] is var last && last.Port == backend.Port && last.Address.Equals(backend.Address))
            {
                if (local) projected[^1] = last with { Local = true };
                continue;
            }

            projected.Add(new VirtualRouterBackend(backend.Address, backend.Port, local));
        }

        return projected is null ? [] : projected.ToEquatableList();
    }
}
