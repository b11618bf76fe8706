using System.Net;
using CN2.Network.Addressing;

namespace CN2.VRouter.Nft;

/// <summary>An element that several NAT entries may use; it stays until the last of them is removed.</summary>
public readonly record struct NftSharedElement(IPFamily Family, NftSet Set, IPAddress? Address, int Number);
