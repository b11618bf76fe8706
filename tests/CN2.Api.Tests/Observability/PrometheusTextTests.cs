using System.Diagnostics.Metrics;
using CN2.Api.Observability;
using Microsoft.Extensions.DependencyInjection;

namespace CN2.Api.Tests.Observability;

public sealed class PrometheusTextTests : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().AddSingleton<PrometheusText>().BuildServiceProvider();
    private readonly PrometheusText _text;
    private readonly Meter _meter;

    public PrometheusTextTests()
    {
        _text = _services.GetRequiredService<PrometheusText>();
        _meter = _services.GetRequiredService<IMeterFactory>().Create("CN2.Tests");
    }

    public void Dispose() => _services.Dispose();

    [Fact]
    public void A_counter_adds_up_and_ends_in_total()
    {
        var counter = _meter.CreateCounter<long>("cn2.test.paths", "{path}");
        counter.Add(2);
        counter.Add(3);
        Assert.Equal(["# TYPE cn2_test_paths_total counter", "cn2_test_paths_total 5"], Lines("cn2_test_paths"));
    }

    [Fact]
    public void An_observed_counter_shows_the_value_it_reports_and_a_series_that_is_gone_disappears()
    {
        var bytes = new Dictionary<string, long> { ["compute1"] = 7, ["compute2"] = 8 };
        _meter.CreateObservableCounter("cn2.test", () => bytes.Select(b => new Measurement<long>(b.Value, new KeyValuePair<string, object?>("virtual.router", b.Key))), "By");
        Lines("cn2_test_bytes");
        bytes.Remove("compute1");
        Assert.Equal(["# TYPE cn2_test_bytes_total counter", """cn2_test_bytes_total{virtual_router="compute2"} 8"""], Lines("cn2_test_bytes"));
    }

    [Fact]
    public void Gauges_show_the_last_value_and_up_down_counters_the_sum()
    {
        var gauge = _meter.CreateGauge<double>("cn2.test.gauge", "s");
        gauge.Record(3);
        gauge.Record(1.5);
        var waiting = _meter.CreateUpDownCounter<int>("cn2.test.waiting");
        waiting.Add(3);
        waiting.Add(-1);
        _meter.CreateObservableGauge("cn2.test.observed", () => 4);
        Assert.Equal(
            ["# TYPE cn2_test_gauge_seconds gauge", "cn2_test_gauge_seconds 1.5", "# TYPE cn2_test_observed gauge", "cn2_test_observed 4",
             "# TYPE cn2_test_waiting gauge", "cn2_test_waiting 2"],
            Lines("cn2_test"));
    }

    [Fact]
    public void A_histogram_has_cumulative_buckets_sum_and_count()
    {
        var duration = _meter.CreateHistogram<double>("cn2.test.duration", "s");
        duration.Record(0.003, new KeyValuePair<string, object?>("kind", "a"));
        duration.Record(20, new KeyValuePair<string, object?>("kind", "a"));
        Assert.Equal(
            ["# TYPE cn2_test_duration_seconds histogram",
             .. new (string Bound, int Count)[]
             {
                 ("0.001", 0), ("0.0025", 0), ("0.005", 1), ("0.01", 1), ("0.025", 1), ("0.05", 1), ("0.1", 1), ("0.25", 1), ("0.5", 1), ("1", 1), ("2.5", 1), ("5", 1),
                 ("10", 1), ("+Inf", 2),
             }.Select(b => $$"""cn2_test_duration_seconds_bucket{kind="a",le="{{b.Bound}}"} {{b.Count}}"""),
             """cn2_test_duration_seconds_sum{kind="a"} 20.003""",
             """cn2_test_duration_seconds_count{kind="a"} 2"""],
            Lines("cn2_test_duration"));
    }

    [Fact]
    public void Label_values_are_escaped()
    {
        _meter.CreateCounter<long>("cn2.test.escaped").Add(1, new KeyValuePair<string, object?>("text", "a \"b\" \\ c\nd"));
        Assert.Contains("""cn2_test_escaped_total{text="a \"b\" \\ c\nd"} 1""", Lines("cn2_test_escaped"));
    }

    [Fact]
    public void Meters_of_another_host_in_the_same_process_are_not_shown()
    {
        using var other = new ServiceCollection().AddMetrics().BuildServiceProvider();
        other.GetRequiredService<IMeterFactory>().Create("CN2.Tests").CreateCounter<long>("cn2.test.elsewhere").Add(1);
        Assert.Empty(Lines("cn2_test_elsewhere"));
    }

    [Fact]
    public void Meters_with_other_names_are_not_shown_and_the_runtimes_is()
    {
        _services.GetRequiredService<IMeterFactory>().Create("Somebody.Else").CreateCounter<long>("cn2.test.foreign").Add(1);
        Assert.Empty(Lines("cn2_test_foreign"));
        Assert.Contains("# TYPE dotnet_process_memory_working_set_bytes gauge", Lines("dotnet_process"));
    }

    private string[] Lines(string family) => [.. _text.Render().Split('\n').Where(l => l.StartsWith(family, StringComparison.Ordinal) || l.StartsWith($"# TYPE {family}", StringComparison.Ordinal))];
}
