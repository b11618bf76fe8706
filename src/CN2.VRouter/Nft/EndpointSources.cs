using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>
/// The source address of flows that an endpoint begins into a VPN: the FloatingIP that is attached to it one to one there. If there are
/// several, the first in the order of keys, because a packet does not say which one its endpoint means.
/// </summary>
internal sealed class EndpointSources
{
    private readonly Dictionary<IPAddress, SortedSet<NatEntryKey>> _claims = [];

    public IEnumerable<NftElement> Elements() => _claims.OrderBy(c => c.Value.Min).SelectMany(c => NftOverlay.EndpointElements(c.Key, c.Value.Min));

    public void Add(DataplaneNatEntry natEntry)
    {
        foreach (var endpoint in Endpoints(natEntry))
        {
            if (!_claims.TryGetValue(endpoint, out var claims)) _claims.Add(endpoint, claims = []);
            claims.Add(natEntry.Key);
        }
    }

    /// <summary>Records in the draft that <paramref name="before"/> becomes <paramref name="after"/>.</summary>
    public void Record(Draft draft, DataplaneNatEntry? before, DataplaneNatEntry? after)
    {
        if (before is not null)
        {
            foreach (var endpoint in Endpoints(before)) Claims(draft, endpoint).Remove(before.Key);
        }

        if (after is not null)
        {
            foreach (var endpoint in Endpoints(after)) Claims(draft, endpoint).Add(after.Key);
        }
    }

    /// <summary>The elements that the draft removes and adds.</summary>
    public (List<NftElement> Removed, List<NftElement> Added) Difference(Draft draft)
    {
        var removed = new List<NftElement>();
        var added = new List<NftElement>();
        foreach (var (endpoint, claims) in draft.Claims.OrderBy(c => c.Key, Comparer<IPAddress>.Create(AddressArithmetic.Compare)))
        {
            NftElement[] had = _claims.TryGetValue(endpoint, out var now) ? [.. NftOverlay.EndpointElements(endpoint, now.Min)] : [];
            NftElement[] has = claims.Count > 0 ? [.. NftOverlay.EndpointElements(endpoint, claims.Min)] : [];
            removed.AddRange(had.Except(has));
            added.AddRange(has.Except(had));
        }

        return (removed, added);
    }

    /// <summary>The kernel has accepted the draft.</summary>
    public void Accept(Draft draft)
    {
        foreach (var (endpoint, claims) in draft.Claims)
        {
            if (claims.Count > 0) _claims[endpoint] = claims;
            else _claims.Remove(endpoint);
        }
    }

    // Draining endpoints too: they receive no new flows but may begin some.
    private static IEnumerable<IPAddress> Endpoints(DataplaneNatEntry natEntry) =>
        natEntry.Key is { RoutingInstance: not 0, Protocol: null }
            ? natEntry.Backends.Concat(natEntry.Draining).Where(b => b.Local).Select(b => b.Address)
            : [];

    private SortedSet<NatEntryKey> Claims(Draft draft, IPAddress endpoint)
    {
        if (!draft.Claims.TryGetValue(endpoint, out var claims))
            draft.Claims.Add(endpoint, claims = _claims.TryGetValue(endpoint, out var now) ? [.. now] : []);
        return claims;
    }

    /// <summary>A change that the kernel has not accepted yet.</summary>
    public sealed class Draft
    {
        internal Dictionary<IPAddress, SortedSet<NatEntryKey>> Claims { get; } = [];
    }
}
