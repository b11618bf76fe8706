namespace CN2.Model.Tests.Clients;

/// <summary>Draws from a seeded stream.</summary>
internal static class Draw
{
    public static bool Chance(this Random random, double probability) => random.NextDouble() < probability;

    public static T Of<T>(this Random random, IReadOnlyList<T> items) => items[random.Next(items.Count)];

    public static T Of<T>(this Random random, params (double Weight, T Item)[] items)
    {
        var left = random.NextDouble() * items.Sum(i => i.Weight);
        foreach (var (weight, item) in items)
        {
            if ((left -= weight) < 0) return item;
        }

        return items[^1].Item;
    }
}
