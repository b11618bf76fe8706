using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Netlink;

namespace CN2.VRouter.Nft;

/// <summary>
/// Chooses the tracked flows that must end (docs/contract.md §5). Three kinds: UDP flows, and others that no handshake ends (an echo or a
/// tunnel through one to one), from a NAT entry to an endpoint that the entry no longer has, not even draining; every flow to an address
/// that no entry uses any more; and flows that an endpoint began into a VPN from a FloatingIP that is no longer attached to it. Flows to
/// destinations outside the tables are never chosen. Pure.
/// </summary>
/// <param name="contents">What the tables hold now.</param>
/// <param name="natEntries">The NAT entries to check; null: all, and flows to guarded addresses without a NAT entry.</param>
/// <param name="freed">Addresses that were removed from the tables.</param>
/// <param name="nodeAddresses">The node's own addresses: node ports are on them.</param>
internal sealed class StaleFlows(
    NftContents contents,
    IReadOnlySet<NatEntryKey>? natEntries,
    IReadOnlySet<FloatingIPPlace> freed,
    IReadOnlySet<IPAddress> nodeAddresses)
{
    public static bool Concern(NatEntryKey key) => key.Protocol is null or TransportProtocol.UDP;

    public bool Contains(ConntrackFlow flow) =>
        NftOverlay.FromEndpointBy(flow.Mark) is not 0 and var number ? BegunByEndpoint(number, flow) : SentToEntry(NftOverlay.FromVpnBy(flow.Mark), flow);

    private bool SentToEntry(int instance, ConntrackFlow flow)
    {
        if (freed.Contains(new FloatingIPPlace(instance, flow.OriginalDestination))) return true;
        if (EndsByItself(flow)) return false;
        var family = flow.OriginalDestination.FamilyOf();
        var udp = flow.Protocol == (byte)TransportProtocol.UDP;
        var key = new NatEntryKey(family, flow.OriginalDestination, TransportProtocol.UDP, flow.OriginalDestinationPort, instance);
        if (udp && Known(key)) return Checked(key) && !Serves(key, flow);
        var oneToOne = new NatEntryKey(family, flow.OriginalDestination, null, 0, instance);
        if (Known(oneToOne)) return Checked(oneToOne) && !Serves(oneToOne, flow);
        if (natEntries is null && contents.Guards(new FloatingIPPlace(instance, flow.OriginalDestination))) return true;
        if (!udp || instance != 0) return false;
        var nodePort = new NatEntryKey(family, null, TransportProtocol.UDP, flow.OriginalDestinationPort);
        return Known(nodePort) && Checked(nodePort) && nodeAddresses.Contains(flow.OriginalDestination) && !Serves(nodePort, flow);
    }

    private bool BegunByEndpoint(int instance, ConntrackFlow flow)
    {
        if (freed.Contains(new FloatingIPPlace(instance, flow.ReplyDestination))) return true;
        if (EndsByItself(flow)) return false;
        var key = new NatEntryKey(flow.ReplyDestination.FamilyOf(), flow.ReplyDestination, null, 0, instance);
        if (!Checked(key)) return false;
        return !contents.NatEntries.TryGetValue(key, out var natEntry)
            || !natEntry.Backends.Concat(natEntry.Draining).Any(b => b.Address.Equals(flow.OriginalSource));
    }

    private static bool EndsByItself(ConntrackFlow flow) => flow.Protocol is (byte)TransportProtocol.TCP or (byte)TransportProtocol.SCTP;

    // An entry that was just removed is only in natEntries.
    private bool Known(NatEntryKey key) => contents.NatEntries.ContainsKey(key) || natEntries?.Contains(key) == true;

    private bool Checked(NatEntryKey key) => natEntries is null || natEntries.Contains(key);

    private bool Serves(NatEntryKey key, ConntrackFlow flow)
    {
        if (!contents.NatEntries.TryGetValue(key, out var natEntry)) return false;
        foreach (var list in (ReadOnlySpan<IReadOnlyList<DataplaneBackend>>)[natEntry.Backends, natEntry.Draining])
        {
            foreach (var backend in list)
            {
                var port = backend.Port == 0 ? flow.OriginalDestinationPort : backend.Port;
                if (port == flow.ReplySourcePort && backend.Address.Equals(flow.ReplySource)) return true;
            }
        }

        return false;
    }
}
