using CN2.Network.Collections;
using CN2.VRouter.Dataplane;
using CN2.VRouter.V1;

namespace CN2.VRouter;

/// <summary>
/// Who FloatingIPs and addresses of endpoints belong to, which nodes carry a FloatingIP, and what is inside. The first only ends flows, the second only relays
/// ICMP errors, the third only keeps flows, so a message with an impossible value is passed over: the flows go on as they would without it.
/// </summary>
public sealed partial class DesiredState
{
    private void PutFlowOwners(Items items)
    {
        foreach (var message in items.Attachments)
        {
            IfSound(() =>
            {
                var (place, attachment) = (WireMapping.Place(message.Key), WireMapping.Attachment(message));
                Dataplane.Attachments[place] = attachment;
                Change?.Attachments.Add(place);
            });
        }

        foreach (var message in items.EndpointHolders)
        {
            IfSound(() =>
            {
                var (address, uid) = (WireMapping.HostAddress(message.Address), WireMapping.Uid(message.Uid));
                Dataplane.EndpointHolders.PutLast(address, uid, DataplaneConfig.MostEndpointHolders);
                Change?.EndpointHolders.Add(address);
            });
        }
    }

    private void RemoveFlowOwners(Delta delta)
    {
        foreach (var key in delta.RemovedAttachments)
        {
            IfSound(() =>
            {
                var place = WireMapping.Place(key);
                Dataplane.Attachments.Remove(place);
                Change?.Attachments.Add(place);
            });
        }
    }

    private void PutCarriers(Items items)
    {
        foreach (var message in items.Carriers)
        {
            IfSound(() =>
            {
                var (place, nodes) = (WireMapping.Place(message.Key), WireMapping.Nodes(message));
                Dataplane.Carriers[place] = nodes;
                Change?.Carriers.Add(place);
            });
        }
    }

    private void RemoveCarriers(Delta delta)
    {
        foreach (var key in delta.RemovedCarriers)
        {
            IfSound(() =>
            {
                var place = WireMapping.Place(key);
                Dataplane.Carriers.Remove(place);
                Change?.Carriers.Add(place);
            });
        }
    }

    private void PutInside(Items items)
    {
        foreach (var text in items.Inside)
        {
            IfSound(() =>
            {
                var network = WireMapping.Inside(text);
                Dataplane.Inside.Add(network);
                Change?.Inside.Add(network);
            });
        }
    }

    private void RemoveInside(Delta delta)
    {
        foreach (var text in delta.RemovedInside)
        {
            IfSound(() =>
            {
                var network = WireMapping.Inside(text);
                Dataplane.Inside.Remove(network);
                Change?.Inside.Add(network);
            });
        }
    }

    private static void IfSound(Action take)
    {
        try
        {
            take();
        }
        catch (FormatException)
        {
            // Passed over.
        }
    }
}
