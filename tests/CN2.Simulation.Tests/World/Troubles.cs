namespace CN2.Simulation.Tests.World;

/// <summary>Which kinds of trouble a seed has.</summary>
internal static class Troubles
{
    private const Trouble Withstood = Trouble.All & ~Trouble.NotWithstood;

    /// <summary>Every third seed has all kinds together; the others have some of them, so that what hides behind another kind is seen too.</summary>
    public static Trouble Of(int seed)
    {
        if (seed % 3 == 0) return Withstood;
        var random = new Random(seed);
        return (Trouble)(random.Next() & random.Next()) & Withstood;
    }
}
