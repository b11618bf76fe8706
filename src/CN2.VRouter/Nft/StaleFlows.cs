using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Netlink;

namespace CN2.VRouter.Nft;

/// <summary>
/// Which tracked flows must end (contract §3): UDP flows (and others that no handshake ends, an echo or a tunnel through one to one) that
/// one of our NAT entries has sent to an endpoint it no longer has, not even draining, and every flow to an address that is nobody's now;
/// and what endpoints have begun into a VPN from a FloatingIP that was attached to them, likewise.
/// Flows to destinations that are not ours are never chosen. Pure.
/// </summary>
/// <param name="contents">What the tables hold now.</param>
/// <param name="natEntries">The NAT entries to look at; null: all, and flows to guarded addresses without a NAT entry.</param>
/// <param name="freed">Addresses that left the tables.</param>
/// <param name="nodeAddresses">The node's own addresses, where node ports are.</param>
internal sealed class StaleFlows(
    NftContents contents,
    IReadOnlySet<NatEntryKey>? natEntries,
    IReadOnlySet<FloatingIPPlace> freed,
    IReadOnlySet<IPAddress> nodeAddresses)
{
    public static bool Concern(NatEntryKey key) => key.Protocol is null or TransportProtocol.UDP;

    public bool Contains(ConntrackFlow flow) =>
        NftOverlay.FromEndpointBy(flow.Mark) is not 0 and var number ? BegunInVpn(number, flow) : SentToUs(NftOverlay.FromVpnBy(flow.Mark), flow);

    private bool SentToUs(int instance, ConntrackFlow flow)
    {
        if (freed.Contains(new FloatingIPPlace(instance, flow.OriginalDestination))) return true;
        if (EndsByItself(flow)) return false;
        var family = flow.OriginalDestination.FamilyOf();
        var udp = flow.Protocol == (byte)TransportProtocol.UDP;
        var key = new NatEntryKey(family, flow.OriginalDestination, TransportProtocol.UDP, flow.OriginalDestinationPort, instance);
        if (udp && Known(key)) return Looked(key) && !Serves(key, flow);
        var oneToOne = new NatEntryKey(family, flow.OriginalDestination, null, 0, instance);
        if (Known(oneToOne)) return Looked(oneToOne) && !Serves(oneToOne, flow);
        if (natEntries is null && contents.Guards(new FloatingIPPlace(instance, flow.OriginalDestination))) return true;
        if (!udp || instance != 0) return false;
        var nodePort = new NatEntryKey(family, null, TransportProtocol.UDP, flow.OriginalDestinationPort);
        return Known(nodePort) && Looked(nodePort) && nodeAddresses.Contains(flow.OriginalDestination) && !Serves(nodePort, flow);
    }

    private bool BegunInVpn(int instance, ConntrackFlow flow)
    {
        if (freed.Contains(new FloatingIPPlace(instance, flow.ReplyDestination))) return true;
        if (EndsByItself(flow)) return false;
        var key = new NatEntryKey(flow.ReplyDestination.FamilyOf(), flow.ReplyDestination, null, 0, instance);
        if (!Looked(key)) return false;
        return !contents.NatEntries.TryGetValue(key, out var natEntry)
            || !natEntry.Backends.Concat(natEntry.Draining).Any(b => b.Address.Equals(flow.OriginalSource));
    }

    private static bool EndsByItself(ConntrackFlow flow) => flow.Protocol is (byte)TransportProtocol.TCP or (byte)TransportProtocol.SCTP;

    // One that was just removed is in nobody's contents, but was named.
    private bool Known(NatEntryKey key) => contents.NatEntries.ContainsKey(key) || natEntries?.Contains(key) == true;

    private bool Looked(NatEntryKey key) => natEntries is null || natEntries.Contains(key);

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
