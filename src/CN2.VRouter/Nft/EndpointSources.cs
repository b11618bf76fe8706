using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>
/// The FloatingIP from which an endpoint speaks when it begins a flow into a VPN: one that is attached to it one to one there. Of
/// several the first in the order of keys, as the endpoint cannot say which it means.
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

    /// <summary>Notes what changes elements when <paramref name="before"/> becomes <paramref name="after"/>.</summary>
    public void Note(Draft draft, DataplaneNatEntry? before, DataplaneNatEntry? after)
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

    /// <summary>The elements to be exchanged.</summary>
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

    public void Take(Draft draft)
    {
        foreach (var (endpoint, claims) in draft.Claims)
        {
            if (claims.Count > 0) _claims[endpoint] = claims;
            else _claims.Remove(endpoint);
        }
    }

    // Draining ones too: they get no new flow, but begin what they like.
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

    /// <summary>A change that the kernel has not taken yet.</summary>
    public sealed class Draft
    {
        internal Dictionary<IPAddress, SortedSet<NatEntryKey>> Claims { get; } = [];
    }
}
