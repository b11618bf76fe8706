using System.Net;
using CN2.Network.Collections;

namespace CN2.Network.Compilation;

public enum NatEntryScope
{
    /// <summary>On every vRouter, to every backend.</summary>
    EveryVirtualRouter,

    /// <summary>Only on vRouters with a local backend, and only to those.</summary>
    LocalBackends,
}

/// <summary>
/// One NAT entry of a Service or FloatingIP, for all vRouters at once; what a single vRouter gets is a projection
/// (<see cref="Sequencing.NatEntryProjection"/>). Lists are sorted and distinct, not both empty.
/// </summary>
public sealed record NatEntry
{
    public required NatEntryKey Key { get; init; }

    /// <summary>The FloatingIP whose route needs this entry; null for node ports.</summary>
    public Guid? FloatingIP { get; init; }

    public required NatEntryScope Scope { get; init; }
    public required EquatableList<Backend> Backends { get; init; }

    /// <summary>
    /// Endpoints that are being emptied (<c>ready: false</c>): no new flows, established ones go on. Of an endpoint in neither
    /// list the vRouter ends the UDP flows at once (contract §3). Sorted and distinct.
    /// </summary>
    public EquatableList<Backend> Draining { get; init; } = [];
    public bool ClientIPAffinity { get; init; }

    /// <summary>Clients that may use it; empty: all. A NAT entry that nobody may use is not compiled at all.</summary>
    public EquatableList<IPNetwork> SourceRanges { get; init; } = [];
}
