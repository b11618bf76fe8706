using System.Text.Json;
using CN2.Api.Tests.Fixtures;
using CN2.Network.Selection;

namespace CN2.Api.Tests.Limiting;

/// <summary>A label selector means the same in a query of the database as in memory, for drawn labels and selectors of every size.</summary>
public sealed class LabelSelectorSqlTests(ApiServer api) : IClassFixture<ApiServer>
{
    private static readonly string[] Keys = ["a", "b", "a.example/c", "D_e", "0"];
    private static readonly string[] Values = ["", "x", "X", "1", "v-1.0_z"];
    private readonly Random _random = new(20261128);

    [Fact]
    public async Task A_selector_chooses_in_the_database_what_it_chooses_in_memory()
    {
        var all = new Dictionary<string, Dictionary<string, string>>();
        for (var i = 0; i < 40; i++)
        {
            var labels = Keys.Where(_ => _random.Next(2) == 0).ToDictionary(k => k, _ => Values[_random.Next(Values.Length)]);
            all[$"drawn-{i}"] = labels;
            (await api.PostAsync("/v1/namespaces", JsonSerializer.Serialize(new { name = $"drawn-{i}", labels }))).Expect(201);
        }

        foreach (var made in (string[])["default", "contrail"]) all[made] = [];
        var chosen = 0;
        for (var round = 0; round < 150; round++)
        {
            var text = string.Join(',', Enumerable.Range(0, round % 10 == 0 ? 32 : _random.Next(1, 4)).Select(_ => Requirement()));
            Assert.True(LabelSelector.TryParse(text, out var selector, out var error), error);
            var expected = all.Where(n => selector.Matches(n.Value)).Select(n => n.Key).Order(StringComparer.Ordinal).ToList();
            var found = (await api.GetAsync($"/v1/namespaces?limit=1000&labelSelector={Uri.EscapeDataString(text)}")).Expect(200)
                .Json!["items"]!.AsArray().Select(n => (string)n!["name"]!).Order(StringComparer.Ordinal).ToList();
            Assert.True(expected.SequenceEqual(found), $"{text}: expected {string.Join(' ', expected)}, found {string.Join(' ', found)}");
            chosen += found.Count;
        }

        Assert.True(chosen > 100, $"the selectors chose {chosen}");
    }

    private string Requirement()
    {
        var key = Keys[_random.Next(Keys.Length)];
        var values = string.Join(',', Enumerable.Range(0, _random.Next(1, 65)).Select(i => i == 0 ? "x" : Values[1 + _random.Next(Values.Length - 1)]));
        return _random.Next(6) switch
        {
            0 => key,
            1 => $"!{key}",
            2 => $"{key}={Values[_random.Next(Values.Length)]}",
            3 => $"{key}!={Values[_random.Next(Values.Length)]}",
            4 => $"{key} in ({values})",
            _ => $"{key} notin ({values})",
        };
    }
}
