namespace CN2.VRouter.Nft;

/// <summary>The canonical order of shared elements, so that the same configuration gives the same text.</summary>
internal sealed class SharedOrder : IComparer<NftSharedElement>
{
    public static SharedOrder Instance { get; } = new();

    public int Compare(NftSharedElement x, NftSharedElement y)
    {
        var order = x.Family.CompareTo(y.Family);
        if (order == 0) order = x.Set.CompareTo(y.Set);
        if (order == 0) order = FrontendOrder.Compare(x.Address, y.Address);
        return order != 0 ? order : x.Number.CompareTo(y.Number);
    }
}
