using CN2.Network.Compilation;

namespace CN2.VRouter.Nft;

/// <summary>
/// A change as input for nft. <paramref name="Freed"/>: addresses that no entry uses after it. <paramref name="EndpointsGone"/>: UDP and
/// one-to-one NAT entries that are new or have lost an endpoint. Call <paramref name="Accepted"/> when the kernel has accepted the change.
/// </summary>
public sealed record NftTransaction(string Text, IReadOnlySet<FloatingIPPlace> Freed, IReadOnlySet<NatEntryKey> EndpointsGone, Action Accepted);
