using System.Diagnostics;
using CN2.Network.Resources;

namespace CN2.Network.Tests.Selection;

public sealed class LabelSetTests
{
    [Fact]
    public void A_set_contains_a_selector_exactly_when_it_has_every_pair_of_it()
    {
        var random = new Random(20261128);
        var contained = 0;
        for (var round = 0; round < 5000; round++)
        {
            var labels = Draw(random, 12);
            var selector = Draw(random, 4);
            var expected = selector.All(p => labels.TryGetValue(p.Key, out var value) && value == p.Value);
            var set = LabelSet.Of(labels);
            Assert.Equal(expected, set.Contains(LabelSet.Of(selector)));
            foreach (var key in Enumerable.Range(0, 8).Select(i => $"k{i}"))
            {
                Assert.Equal(labels.TryGetValue(key, out var value), set.TryGetValue(key, out var found));
                Assert.Equal(value, found);
            }

            if (expected) contained++;
        }

        Assert.InRange(contained, 500, 4500);
    }

    /// <summary>Ten times the size is about ten times the cost; it was a hundred times. What is stored may be larger than the limit of today.</summary>
    [Fact]
    public void The_cost_of_a_comparison_is_the_sum_of_the_sizes_and_not_the_product()
    {
        var (small, large) = (Cost(4_000), Cost(40_000));
        Assert.True(large < (40 * small) + TimeSpan.FromMilliseconds(20), $"{small.TotalMilliseconds:0.00} ms for 4,000 labels, {large.TotalMilliseconds:0.00} ms for 40,000");

        static TimeSpan Cost(int size)
        {
            var labels = LabelSet.Of(Enumerable.Range(0, size).ToDictionary(i => $"key-{i}", i => $"{i}"));
            var selector = LabelSet.Of(Enumerable.Range(0, size).ToDictionary(i => $"key-{i}", i => $"{i}"));
            return Enumerable.Range(0, 5).Min(_ =>
            {
                var clock = Stopwatch.StartNew();
                Assert.True(labels.Contains(selector));
                return clock.Elapsed;
            });
        }
    }

    private static Dictionary<string, string> Draw(Random random, int most) =>
        Enumerable.Range(0, random.Next(most)).Select(_ => $"k{random.Next(8)}").Distinct().ToDictionary(k => k, _ => $"v{random.Next(2)}");
}
