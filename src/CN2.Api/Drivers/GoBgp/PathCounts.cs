using System.Net;
using CN2.Network.Addressing;

namespace CN2.Api.Drivers.GoBgp;

/// <summary>How many paths a peer gets. Threads as with <see cref="WantedPaths"/>.</summary>
internal sealed class PathCounts(WantedState state)
{
    /// <summary>What a peer gets; <paramref name="memberships"/> are those of a peer that negotiated route-target (RFC 4684), else null.</summary>
    public HeldCounts CountsFor(IPAddress peer, bool external, Memberships? memberships)
    {
        lock (state.Lock)
        {
            var counts = new HeldCounts { Withheld = state.Table.Quotas?.WithheldFrom(peer) ?? 0 };
            var marker = LimitedPeer.MarkerOf(peer);
            if (memberships is null) CountUnicast(external, marker, counts);
            foreach (var ((family, attributes), paths) in state.Table.Vpn)
                if (!attributes.IsKeptFrom(external) && !attributes.Markers.Contains(marker) && memberships?.Want(attributes.Vpn!.RouteTargets) != false)
                    counts[family] = new(counts[family].Paths + paths, counts[family].Prefixes + paths);
            return counts;
        }
    }

    private void CountUnicast(bool external, LargeCommunity marker, HeldCounts counts)
    {
        if (state.Table.Restricted == 0)
        {
            foreach (var family in (RouteFamily[])[RouteFamily.Inet, RouteFamily.Inet6])
            {
                var (all, withheld) = (state.Table[family], state.Table.Withheld(marker, family));
                counts[family] = new(all.Paths - withheld.Paths, all.Prefixes - withheld.Prefixes);
            }
            return;
        }
        foreach (var (key, held) in state.Table.All)
        {
            if (key.Family.IsVpn()) continue;
            var sent = held.Count(p => !p.Attributes.IsKeptFrom(external) && !p.Attributes.Markers.Contains(marker));
            counts[key.Family] = new(counts[key.Family].Paths + sent, counts[key.Family].Prefixes + Math.Min(sent, 1));
        }
    }
}
