using System.Net;
using CN2.Network.Collections;

namespace CN2.Network.Compilation;

public enum NatEntryScope
{
    /// <summary>On every vRouter, to every backend.</summary>
    EveryVirtualRouter,

    /// <summary>
    /// Callers from outside: only on vRouters with a local backend, and only to local backends. In the underlay, callers inside (pods of the node, and
    /// the node itself) also reach the backends of other vRouters from a vRouter that has none of its own.
    /// </summary>
    LocalBackends,
}

/// <summary>
/// One NAT entry of a Service or FloatingIP, for all vRouters at once. A single vRouter gets a projection of it
/// (<see cref="Sequencing.NatEntryProjection"/>). The lists are sorted and distinct, and at least one is not empty.
/// </summary>
public sealed record NatEntry
{
    public required NatEntryKey Key { get; init; }

    /// <summary>The FloatingIP whose route needs this entry; null for node ports.</summary>
    public Guid? FloatingIP { get; init; }

    public required NatEntryScope Scope { get; init; }
    public required EquatableList<Backend> Backends { get; init; }

    /// <summary>
    /// Endpoints with <c>ready: false</c>: they get no new flows, and established flows go on. The vRouter ends the UDP flows of an
    /// endpoint in neither list at once (docs/contract.md §3). Sorted and distinct.
    /// </summary>
    public EquatableList<Backend> Draining { get; init; } = [];
    public bool ClientIPAffinity { get; init; }

    /// <summary>Its part of the owner's slots, which depends on the number of the owner's entries (<see cref="SlotBudget"/>).</summary>
    public int MostSlots { get; init; } = SlotBudget.Most;

    /// <summary>What is answered to packets that no entry of the address translates.</summary>
    public FloatingIPAnswers Answers { get; init; } = FloatingIPAnswers.None;

    /// <summary>
    /// The only vRouters that get the entry, sorted, those of its backends among them; null: <see cref="Scope"/> alone says. One object for all Services of a namespace.
    /// </summary>
    public EquatableList<string>? OnlyOn { get; init; }

    /// <summary>Any vRouter may get a part of the entry, whether it has a backend or not.</summary>
    public bool ReachesEveryVirtualRouter => OnlyOn is null && (Scope == NatEntryScope.EveryVirtualRouter || ServesInside);

    /// <summary>The two are the same, but for <see cref="OnlyOn"/>.</summary>
    public bool IsSameButForOnlyOn(NatEntry other) => this with { OnlyOn = null } == other with { OnlyOn = null };

    /// <summary>Callers inside reach backends of other vRouters. In a VPN there are no such callers: pods are in the underlay.</summary>
    internal bool ServesInside => Scope == NatEntryScope.LocalBackends && Key.RoutingInstance == 0;

    /// <summary>Clients that may use the entry; empty means all. Ranges of the other family alone: no client may, and flows of those who could before end.</summary>
    public EquatableList<IPNetwork> SourceRanges { get; init; } = [];
}
