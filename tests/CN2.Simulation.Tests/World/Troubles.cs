using System.Numerics;

namespace CN2.Simulation.Tests.World;

/// <summary>Which kinds of trouble a seed has.</summary>
internal static class Troubles
{
    /// <summary>One kind a seed, in turns. <see cref="Mixed"/> draws what happens when kinds come together.</summary>
    public static Trouble Of(int seed)
    {
        Trouble[] kinds = [Trouble.None, .. Enum.GetValues<Trouble>().Where(t => BitOperations.IsPow2((int)t))];
        return kinds[seed % kinds.Length];
    }

    /// <summary>Every third seed has all kinds together; the others have some of them, so that what hides behind another kind is seen too.</summary>
    public static Trouble Mixed(int seed)
    {
        if (seed % 3 == 0) return Trouble.All;
        var random = new Random(seed);
        return (Trouble)(random.Next() & random.Next()) & Trouble.All;
    }
}
