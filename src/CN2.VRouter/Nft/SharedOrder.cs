using CN2.Network.Addressing;

namespace CN2.VRouter.Nft;

/// <summary>The canonical order of shared elements, so that the same configuration gives the same text.</summary>
internal sealed class SharedOrder : IComparer<NftSharedElement>
{
    public static SharedOrder Instance { get; } = new();

    public int Compare(NftSharedElement x, NftSharedElement y)
    {
        var order = x.Family.CompareTo(y.Family);
        if (order == 0) order = x.Set.CompareTo(y.Set);
        // In one set either all elements have an address or none has.
        if (order == 0 && x.Address is { } address) order = AddressArithmetic.Compare(address, y.Address!);
        return order != 0 ? order : x.Number.CompareTo(y.Number);
    }
}
