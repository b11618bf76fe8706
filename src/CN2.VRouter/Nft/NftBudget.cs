namespace CN2.VRouter.Nft;

/// <summary>How many more runs of nft a search may make.</summary>
internal sealed class NftBudget(int runs)
{
    private int _left = runs;

    /// <summary>False: none is left.</summary>
    public bool Take() => _left-- > 0;
}
