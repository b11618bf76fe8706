using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace CN2.Api.Observability;

/// <summary>
/// The series of one instrument under its Prometheus name: <c>cn2.reconcile.duration</c> in <c>s</c> becomes
/// <c>cn2_reconcile_duration_seconds</c>, and a counter ends in <c>_total</c>.
/// </summary>
internal sealed class MetricFamily
{
    private static readonly double[] Bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
    private readonly ConcurrentDictionary<string, Series> _series = new(StringComparer.Ordinal);
    private readonly string _type;
    private readonly bool _reportsTotals;
    private readonly string? _help;

    public MetricFamily(Instrument instrument)
    {
        var kind = instrument.GetType().GetGenericTypeDefinition();
        _type = kind == typeof(Histogram<>) ? "histogram" : kind == typeof(Counter<>) || kind == typeof(ObservableCounter<>) ? "counter" : "gauge";
        // A gauge that is set and everything that is observed report the value itself; the others report what to add.
        _reportsTotals = instrument.IsObservable || kind == typeof(Gauge<>);
        var unit = instrument.Unit switch { "s" => "_seconds", "ms" => "_milliseconds", "By" => "_bytes", _ => "" };
        _help = instrument.Description?.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        Name = Identifier(instrument.Name) + unit + (_type == "counter" ? "_total" : "");
    }

    public string Name { get; }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var series = _series.GetOrAdd(LabelsOf(tags), static (_, type) => new Series(type == "histogram" ? new long[Bounds.Length] : []), _type);
        lock (series)
        {
            series.Count++;
            series.Sum = _reportsTotals ? value : series.Sum + value;
            for (var i = 0; i < series.Buckets.Length; i++)
            {
                if (value <= Bounds[i]) series.Buckets[i]++;
            }
        }
    }

    public void Clear() => _series.Clear();

    public void WriteTo(StringBuilder text)
    {
        if (!string.IsNullOrEmpty(_help)) text.Append(CultureInfo.InvariantCulture, $"# HELP {Name} {_help}\n");
        text.Append(CultureInfo.InvariantCulture, $"# TYPE {Name} {_type}\n");
        foreach (var (labels, series) in _series.OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            lock (series)
            {
                if (_type != "histogram")
                {
                    Line("", labels, series.Sum);
                    continue;
                }

                var before = labels.Length == 0 ? "" : labels + ",";
                for (var i = 0; i < Bounds.Length; i++) Line("_bucket", string.Create(CultureInfo.InvariantCulture, $"{before}le=\"{Bounds[i]}\""), series.Buckets[i]);
                Line("_bucket", before + "le=\"+Inf\"", series.Count);
                Line("_sum", labels, series.Sum);
                Line("_count", labels, series.Count);
            }
        }

        void Line(string suffix, string labels, double value) =>
            text.Append(CultureInfo.InvariantCulture, $"{Name}{suffix}{(labels.Length == 0 ? "" : $"{{{labels}}}")} {value:R}\n");
    }

    private static string LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty) return "";
        var text = new StringBuilder();
        foreach (var (key, value) in tags)
        {
            var escaped = Convert.ToString(value, CultureInfo.InvariantCulture)?
                .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
            text.Append(text.Length == 0 ? "" : ",").Append(Identifier(key)).Append("=\"").Append(escaped).Append('"');
        }

        return text.ToString();
    }

    private static string Identifier(string name) =>
        string.Create(name.Length, name, static (result, from) => { for (var i = 0; i < from.Length; i++) result[i] = char.IsAsciiLetterOrDigit(from[i]) ? from[i] : '_'; });

    private sealed class Series(long[] buckets)
    {
        /// <summary>How many values were at most the bound of the same index; empty but for histograms.</summary>
        public long[] Buckets { get; } = buckets;
        public double Sum { get; set; }
        public long Count { get; set; }
    }
}
