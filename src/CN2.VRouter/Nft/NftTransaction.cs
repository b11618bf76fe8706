using CN2.Network.Compilation;

namespace CN2.VRouter.Nft;

/// <summary>
/// A change ready for nft. <paramref name="Freed"/>: addresses that are nobody's after it. <paramref name="EndpointsGone"/>: UDP and
/// one-to-one NAT entries that are new or have lost an endpoint. <paramref name="Taken"/> is called when the kernel has taken it.
/// </summary>
public sealed record NftTransaction(string Text, IReadOnlySet<FloatingIPPlace> Freed, IReadOnlySet<NatEntryKey> EndpointsGone, Action Taken);
