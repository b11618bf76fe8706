using CN2.Network.Addressing;

namespace CN2.VRouter.Nft;

/// <summary>An element of a set, or of a map when <paramref name="Value"/> is not null, as nft writes it.</summary>
public readonly record struct NftElement(IPFamily Family, NftSet Set, string Key, string? Value);
