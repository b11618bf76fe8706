using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>What changed in a way that tracked flows may have to end. <see cref="StaleFlows"/> judges each flow by it.</summary>
internal sealed class EndingFlows
{
    private readonly HashSet<NatEntryKey> _new = [];

    /// <summary>The NAT entries whose flows are judged; null: those of all entries, and flows to guarded addresses without a NAT entry.</summary>
    public HashSet<NatEntryKey>? NatEntries { get; private set; } = [];

    /// <summary>Addresses to which every flow ends.</summary>
    public HashSet<FloatingIPPlace> Freed { get; } = [];

    /// <summary>FloatingIPs whose attachment changed, with the addresses of the endpoints that they are attached to. Flows to others end.</summary>
    public Dictionary<FloatingIPPlace, IReadOnlySet<IPAddress>> Attached { get; } = [];

    /// <summary>Addresses of endpoints that another VirtualMachineInterface has now.</summary>
    public HashSet<IPAddress> Reassigned { get; } = [];

    /// <summary>NAT entries and addresses of endpoints that are on this node and were on another one. What this node knows of their connections is from before.</summary>
    public HashSet<(NatEntryKey NatEntry, IPAddress Endpoint)> Returned { get; } = [];

    public bool IsEmpty => NatEntries is { Count: 0 } && Freed.Count == 0 && Attached.Count == 0 && Reassigned.Count == 0;

    /// <summary>
    /// Only flows to new NAT entries may have to end: those that clients began before, which are not translated. No flow reaches a wrong endpoint meanwhile, so
    /// the change may be acknowledged before they end.
    /// </summary>
    public bool MayWait => NatEntries?.Count == _new.Count && Freed.Count == 0 && Attached.Count == 0 && Reassigned.Count == 0 && Returned.Count == 0;

    /// <summary>The flows of all NAT entries are judged.</summary>
    public void AddAll() => NatEntries = null;

    /// <summary>The flows of these NAT entries are judged.</summary>
    /// <param name="isNew">The tables did not have the entry before.</param>
    public void Add(IEnumerable<NatEntryKey> natEntries, Func<NatEntryKey, bool> isNew)
    {
        if (NatEntries is null) return;
        foreach (var key in natEntries)
        {
            if (NatEntries.Add(key) && isNew(key)) _new.Add(key);
            else _new.Remove(key);
        }
    }

    /// <summary>The flows of this NAT entry are judged.</summary>
    public bool Concerns(NatEntryKey key) => NatEntries is null || NatEntries.Contains(key);

    public bool Concerns(IPFamily family) =>
        NatEntries?.Any(k => k.Family == family) != false || Freed.Concat(Attached.Keys).Any(p => p.Address.FamilyOf() == family) || Reassigned.Any(a => a.FamilyOf() == family);

    /// <summary>The FloatingIP is attached to other endpoints than the one with this address.</summary>
    public bool IsUnattached(FloatingIPPlace floatingIP, IPAddress endpoint) => Attached.TryGetValue(floatingIP, out var endpoints) && !endpoints.Contains(endpoint);
}
