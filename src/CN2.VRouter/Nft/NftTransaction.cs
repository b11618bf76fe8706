using System.Net;
using CN2.Network.Compilation;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>
/// A change as input for nft. <paramref name="Freed"/>: addresses that no entry uses after it. <paramref name="Judged"/>: NAT entries
/// whose flows may have to end (<see cref="StaleFlows"/>). <paramref name="Returned"/>: see <see cref="EndingFlows.Returned"/>. Call <paramref name="Accepted"/> when the kernel has accepted the change.
/// </summary>
public sealed record NftTransaction(
    string Text, IReadOnlySet<FloatingIPPlace> Freed, IReadOnlySet<NatEntryKey> Judged, IReadOnlySet<(NatEntryKey NatEntry, IPAddress Endpoint)> Returned, Action Accepted);
