using CN2.Api.Tests.Fixtures;

namespace CN2.Api.Tests.Observability;

/// <summary>The table of docs/operating.md, Metrics and alerts, and what /metrics has.</summary>
public sealed class MetricsTableTests(ApiServer api) : IClassFixture<ApiServer>
{
    private static readonly string[] Lines = File.ReadAllLines(Repository.PathOf("docs", "operating.md"));

    [Fact]
    public async Task The_page_has_every_metric_with_its_type_and_no_other()
    {
        var scraped = (await api.GetAsync("/metrics")).Expect(200).Text.Split('\n');
        string[] found = [.. scraped.Where(l => l.StartsWith("# TYPE cn2_", StringComparison.Ordinal)).Select(l => l["# TYPE ".Length..]).Order(StringComparer.Ordinal)];
        var table = Lines.SkipWhile(l => l != "## Metrics and alerts").SkipWhile(l => !l.StartsWith("|---", StringComparison.Ordinal)).Skip(1).TakeWhile(l => l.StartsWith('|'));
        var rows = table.Select(l => l.Split('|', StringSplitOptions.TrimEntries)).Select(c => $"{c[1].Trim('`').Split('{')[0]} {c[2]}");
        Assert.Equal(found, rows.Order(StringComparer.Ordinal));

        var explained = scraped.Where(l => l.StartsWith("# HELP cn2_", StringComparison.Ordinal)).Select(l => l.Split(' ')[2]);
        Assert.Equal(found.Select(f => f.Split(' ')[0]), explained.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_example_alerts_name_metrics_that_exist()
    {
        var scraped = (await api.GetAsync("/metrics")).Expect(200).Text;
        string[] expressions = [.. Lines.SkipWhile(l => l != "## Metrics and alerts").Where(l => l.TrimStart().StartsWith("expr: ", StringComparison.Ordinal))];
        Assert.True(expressions.Length >= 5, $"only {expressions.Length} alerts");
        foreach (var name in expressions.SelectMany(e => e.Split(' ', '(', '{', ')')).Where(w => w.StartsWith("cn2_", StringComparison.Ordinal)))
            Assert.Contains($"# TYPE {name} ", scraped, StringComparison.Ordinal);
    }
}
