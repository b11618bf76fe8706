using System.Net;
using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.Network.Resources;

namespace CN2.VRouter.Dataplane;

/// <summary>One NAT entry of this node. Lists are sorted and distinct; <see cref="Backends"/> or <see cref="Draining"/> is not empty.</summary>
public sealed record DataplaneNatEntry(
    NatEntryKey Key,
    EquatableList<DataplaneBackend> Backends,
    EquatableList<DataplaneBackend> Draining,
    bool ClientIPAffinity,
    EquatableList<IPNetwork> SourceRanges)
{
    /// <summary>Only callers inside may begin flows: pods of this node, and the node itself. All backends are on other nodes.</summary>
    public bool InsideOnly { get; init; }

    /// <summary>What no entry of the address translates is refused; else it is dropped.</summary>
    public bool RefusesOthers { get; init; }

    /// <summary>The node answers echo requests to the address.</summary>
    public bool AnswersPing { get; init; }

    /// <inheritdoc cref="NatEntry.MostSlots"/>
    public int MostSlots { get; init; } = SlotBudget.Most;
}

/// <summary>
/// An endpoint that takes flows. <paramref name="Port"/> 0: the port is kept. <paramref name="Local"/> false: the endpoint lives on another
/// node, so the source becomes this node's address and the reply comes back. <paramref name="Weight"/>: its share of the new flows in proportion to
/// the others of the entry.
/// </summary>
public readonly record struct DataplaneBackend(IPAddress Address, ushort Port, bool Local, int Weight = VirtualMachineInterface.LowestWeight);
