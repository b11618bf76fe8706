using System.Net;
using CN2.Network.Collections;
using CN2.Network.Compilation;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>
/// Follows who FloatingIPs and addresses of endpoints belong to, and says whose flows must end when that changes. The NAT entries of a FloatingIP change
/// a little later than its attachment, and until then the kernel would take up an ended connection again, so its flows are judged with both.
/// </summary>
internal sealed class FlowOwners
{
    private readonly Dictionary<FloatingIPPlace, FloatingIPAttachment> _attachments = [];
    private readonly OrderedDictionary<IPAddress, Guid> _holders = [];

    /// <summary>A handed-over FloatingIP has its new owner's entries within this time, in milliseconds, or they are the same.</summary>
    private const long HandOverTime = 60_000;

    /// <summary>FloatingIPs that another Service has now, whose entries may still be those of the former owner, and since when (<see cref="Environment.TickCount64"/>).</summary>
    private readonly Dictionary<FloatingIPPlace, long> _handedOver = [];

    /// <summary>
    /// Addresses of endpoints count only from the second configuration on: the first one is how things stood when the agent started. In a whole configuration only those
    /// count that the agent knew: the control node that sends it may remember hand-overs from long before.
    /// </summary>
    private bool _started;

    /// <param name="change">What may differ from the last call; null: anything.</param>
    public void Update(DataplaneConfig desired, DataplaneChange? change, EndingFlows ending)
    {
        IEnumerable<FloatingIPPlace> places = change is null ? [.. _attachments.Keys, .. desired.Attachments.Keys] : change.Attachments;
        foreach (var place in places.Distinct())
        {
            var before = _attachments.GetValueOrDefault(place);
            if (!desired.Attachments.TryGetValue(place, out var after))
            {
                _attachments.Remove(place);
                continue;
            }

            _attachments[place] = after;
            if (after.Service is null) ending.Attached[place] = after.Endpoints.ToHashSet();
            if (before is null || after.Service is null || before.Service == after.Service) continue;
            ending.Freed.Add(place);
            _handedOver[place] = Environment.TickCount64;
        }

        foreach (var address in change is null ? desired.EndpointHolders.Keys : (IEnumerable<IPAddress>)change.EndpointHolders)
        {
            if (!desired.EndpointHolders.TryGetValue(address, out var endpoint) || _holders.GetValueOrDefault(address) == endpoint) continue;
            if (_started && (change is not null || _holders.ContainsKey(address))) ending.Reassigned.Add(address);
            _holders.PutLast(address, endpoint, DataplaneConfig.MostEndpointHolders);
        }

        _started = true;
    }

    /// <summary>These NAT entries have changed.</summary>
    public void EntriesChanged(IEnumerable<NatEntryKey> keys, NftContents contents, EndingFlows ending)
    {
        foreach (var key in keys)
        {
            if (key.Address is not { } address) continue;
            var place = new FloatingIPPlace(key.RoutingInstance, address);
            if (_attachments.TryGetValue(place, out var attachment) && attachment.Service is null) ending.Attached[place] = attachment.Endpoints.ToHashSet();
            if (!_handedOver.TryGetValue(place, out var since)) continue;
            var isDue = Environment.TickCount64 - since < HandOverTime;
            if (isDue) ending.Freed.Add(place);
            if (!isDue || contents.NatEntries.ContainsKey(key)) _handedOver.Remove(place);
        }
    }
}
