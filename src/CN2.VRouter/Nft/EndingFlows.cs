using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>What changed in a way that tracked flows may have to end. <see cref="StaleFlows"/> judges each flow by it.</summary>
internal sealed class EndingFlows
{
    private readonly HashSet<NatEntryKey> _new = [];
    private bool _mayKeepClientsOut;

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
    /// Only flows of new NAT entries may have to end: those that clients began before, which are not translated, and those that an endpoint which moved here began before.
    /// No flow reaches a wrong endpoint meanwhile, so the change may be acknowledged before they end.
    /// </summary>
    public bool MayFollow => NatEntries?.Count == _new.Count && Freed.Count == 0 && Attached.Count == 0 && Reassigned.Count == 0 && Returned.Count == 0;

    /// <summary>
    /// The same, and no new NAT entry has an endpoint here whose segments it translates (<see cref="NftReplies.Targets"/>). Where one has, connections that moved here
    /// with their endpoint stand still until the flows end, so those are ended right after the acknowledgement.
    /// </summary>
    public bool MayWait => MayFollow && !_mayKeepClientsOut;

    /// <summary>The flows of all NAT entries are judged.</summary>
    public void AddAll() => NatEntries = null;

    /// <summary>The flows of these NAT entries are judged.</summary>
    /// <param name="newOf">The entry, if the tables did not have it before; else null.</param>
    public void Add(IEnumerable<NatEntryKey> natEntries, Func<NatEntryKey, DataplaneNatEntry?> newOf)
    {
        if (NatEntries is null) return;
        foreach (var key in natEntries)
        {
            if (!NatEntries.Add(key) || newOf(key) is not { } natEntry)
            {
                _new.Remove(key);
                continue;
            }

            _new.Add(key);
            _mayKeepClientsOut |= NftReplies.Targets(natEntry).Any();
        }
    }

    /// <summary>The flows of this NAT entry are judged.</summary>
    public bool Concerns(NatEntryKey key) => NatEntries is null || NatEntries.Contains(key);

    public bool Concerns(IPFamily family) =>
        NatEntries?.Any(k => k.Family == family) != false || Freed.Concat(Attached.Keys).Any(p => p.Address.FamilyOf() == family) || Reassigned.Any(a => a.FamilyOf() == family);

    /// <summary>The FloatingIP is attached to other endpoints than the one with this address.</summary>
    public bool IsUnattached(FloatingIPPlace floatingIP, IPAddress endpoint) => Attached.TryGetValue(floatingIP, out var endpoints) && !endpoints.Contains(endpoint);
}
