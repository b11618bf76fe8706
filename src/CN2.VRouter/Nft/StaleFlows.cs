using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Netlink;

namespace CN2.VRouter.Nft;

/// <summary>
/// Chooses the tracked flows that must end (docs/contract.md §5). Pure. Flows to destinations outside the tables are never chosen. These are:
/// <list type="bullet">
/// <item>every flow to an address that no entry uses any more;</item>
/// <item>every flow through a FloatingIP to an endpoint that the FloatingIP is not attached to, and every flow to an endpoint's address that
/// another VirtualMachineInterface has now;</item>
/// <item>every flow of a client outside the source ranges of its NAT entry;</item>
/// <item>flows that were not answered yet, of any protocol, to an endpoint that takes no new flows: the next packet begins anew;</item>
/// <item>UDP flows, and others that no handshake ends (an echo or a tunnel through one to one), to an endpoint that the entry no longer has, not
/// even draining. Established TCP and SCTP flows to such an endpoint go on;</item>
/// <item>unanswered TCP flows that began with a segment of a port that an entry serves: what an endpoint that moved here sent before the entry was here.
/// The client answers to the FloatingIP, and such a flow would keep that out;</item>
/// <item>flows from outside to an endpoint that is back on this node: they went on by another node meanwhile, and what connection tracking knows of their windows
/// is old. The next segment begins them anew;</item>
/// <item>flows that an endpoint began into a VPN from a FloatingIP that is no longer attached to it.</item>
/// </list>
/// </summary>
/// <param name="contents">What the tables hold now.</param>
/// <param name="ending">What changed, and so which flows to look at.</param>
/// <param name="nodeAddresses">The node's own addresses: node ports are on them. Read only where a flow is to a node port, because a node has an interface for each pod.</param>
internal sealed class StaleFlows(NftContents contents, EndingFlows ending, Lazy<HashSet<IPAddress>> nodeAddresses)
{
    public bool Contains(ConntrackFlow flow) =>
        NftOverlay.FromEndpointBy(flow.Mark) is not 0 and var number ? BegunByEndpoint(number, flow) : KeepsClientOut(flow) || SentToEntry(NftOverlay.FromVpnBy(flow.Mark), FromClient(flow));

    private bool SentToEntry(int instance, ConntrackFlow flow)
    {
        var place = new FloatingIPPlace(instance, flow.OriginalDestination);
        if (ending.Freed.Contains(place) || ending.IsUnattached(place, flow.ReplySource)) return true;
        var guarded = contents.Guards(place);
        if (guarded && ending.Reassigned.Contains(flow.ReplySource)) return true;

        var family = flow.OriginalDestination.FamilyOf();
        if (flow.Protocol is (byte)TransportProtocol.TCP or (byte)TransportProtocol.UDP or (byte)TransportProtocol.SCTP)
        {
            var protocol = (TransportProtocol)flow.Protocol;
            var key = new NatEntryKey(family, flow.OriginalDestination, protocol, flow.OriginalDestinationPort, instance);
            if (Known(key)) return IsStale(key, flow);
            var nodePort = new NatEntryKey(family, null, protocol, flow.OriginalDestinationPort);
            if (!guarded && instance == 0 && Known(nodePort) && nodeAddresses.Value.Contains(flow.OriginalDestination))
                return ending.Reassigned.Contains(flow.ReplySource) || IsStale(nodePort, flow);
        }

        var oneToOne = new NatEntryKey(family, flow.OriginalDestination, null, 0, instance);
        if (Known(oneToOne)) return IsStale(oneToOne, flow);
        return ending.NatEntries is null && guarded && !IsEstablished(flow);
    }

    private bool IsStale(NatEntryKey key, ConntrackFlow flow)
    {
        if (!ending.Concerns(key)) return false;
        if (!contents.NatEntries.TryGetValue(key, out var natEntry)) return !IsEstablished(flow);
        if (!Admits(natEntry, flow.OriginalSource) || IsFromBefore(key, flow)) return true;
        if (IsEstablished(flow)) return false;
        var serves = Has(natEntry.Backends, flow) || (flow.Replied && Has(natEntry.Draining, flow));
        return !serves;
    }

    // While the endpoint was elsewhere, flows to it by this node had the node's own address as their source.
    private bool IsFromBefore(NatEntryKey key, ConntrackFlow flow) =>
        ending.Returned.Contains((key, flow.ReplySource)) && flow.OriginalSource.Equals(flow.ReplyDestination) && contents.IsOutside(flow.OriginalSource);

    private bool KeepsClientOut(ConntrackFlow flow)
    {
        if (flow is not { Protocol: (byte)TransportProtocol.TCP, Replied: false } || !flow.OriginalSource.Equals(flow.ReplyDestination) || !flow.OriginalDestination.Equals(flow.ReplySource)) return false;
        if (!contents.IsOutside(flow.OriginalDestination)) return false;
        return contents.RepliesOf(new(flow.OriginalSource, flow.OriginalSourcePort)).Any(ending.Concerns)
            || (flow.OriginalSourcePort < NftReplies.FirstClientPort && contents.RepliesOf(new(flow.OriginalSource, 0)).Any(ending.Concerns));
    }

    /// <summary>A flow that began here with a segment of the endpoint (<see cref="NftReplies"/>), seen from the client, who once began the connection; others as they are.</summary>
    private ConntrackFlow FromClient(ConntrackFlow flow)
    {
        if (flow.Protocol != (byte)TransportProtocol.TCP || flow.OriginalSource.Equals(flow.ReplyDestination) || !flow.OriginalDestination.Equals(flow.ReplySource)) return flow;
        var place = new FloatingIPPlace(0, flow.ReplyDestination);
        if (!contents.Guards(place) && !ending.Freed.Contains(place)) return flow;
        return flow with
        {
            OriginalSource = flow.OriginalDestination,
            OriginalDestination = flow.ReplyDestination,
            OriginalDestinationPort = flow.ReplyDestinationPort,
            ReplySource = flow.OriginalSource,
            ReplySourcePort = flow.OriginalSourcePort,
            ReplyDestination = flow.OriginalDestination,
        };
    }

    private bool BegunByEndpoint(int instance, ConntrackFlow flow)
    {
        var place = new FloatingIPPlace(instance, flow.ReplyDestination);
        if (ending.Freed.Contains(place) || ending.IsUnattached(place, flow.OriginalSource) || ending.Reassigned.Contains(flow.OriginalSource)) return true;
        if (EndsByItself(flow)) return false;
        var key = new NatEntryKey(flow.ReplyDestination.FamilyOf(), flow.ReplyDestination, null, 0, instance);
        if (!ending.Concerns(key)) return false;
        return !contents.NatEntries.TryGetValue(key, out var natEntry)
            || !natEntry.Backends.Concat(natEntry.Draining).Any(b => b.Address.Equals(flow.OriginalSource));
    }

    /// <summary>A handshake ends the flow, and it was answered.</summary>
    private static bool IsEstablished(ConntrackFlow flow) => flow.Replied && EndsByItself(flow);

    private static bool EndsByItself(ConntrackFlow flow) => flow.Protocol is (byte)TransportProtocol.TCP or (byte)TransportProtocol.SCTP;

    // An entry that was just removed is only in the change.
    private bool Known(NatEntryKey key) => contents.NatEntries.ContainsKey(key) || ending.NatEntries?.Contains(key) == true;

    private static bool Admits(DataplaneNatEntry natEntry, IPAddress client)
    {
        if (natEntry.SourceRanges.Count == 0) return true;
        foreach (var range in natEntry.SourceRanges)
            if (range.Contains(client)) return true;
        return false;
    }

    private static bool Has(IReadOnlyList<DataplaneBackend> backends, ConntrackFlow flow)
    {
        foreach (var backend in backends)
        {
            var port = backend.Port == 0 ? flow.OriginalDestinationPort : backend.Port;
            if (port == flow.ReplySourcePort && backend.Address.Equals(flow.ReplySource)) return true;
        }

        return false;
    }
}
