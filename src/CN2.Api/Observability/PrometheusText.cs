using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace CN2.Api.Observability;

/// <summary>
/// /metrics: listens to the meters <c>CN2.*</c>, ASP.NET Core's requests and the runtime, and writes Prometheus text. Instruments are
/// named with dots and a unit (<c>cn2.reconcile.duration</c>, <c>s</c>) and come out as <c>cn2_reconcile_duration_seconds</c>.
/// </summary>
public sealed class PrometheusText : IDisposable
{
    private static readonly double[] Bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<Instrument, Family> _families = new();
    private readonly Lock _rendering = new();

    public PrometheusText()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (!instrument.Meter.Name.StartsWith("CN2", StringComparison.Ordinal)
                && instrument.Meter.Name is not ("Microsoft.AspNetCore.Hosting" or "System.Runtime")) return;
            _families.TryAdd(instrument, new Family(instrument));
            listener.EnableMeasurementEvents(instrument);
        };
        _listener.MeasurementsCompleted = (instrument, state) => _families.TryRemove(instrument, out var gone);
        _listener.SetMeasurementEventCallback<byte>((i, v, t, _) => Record(i, v, t));
        _listener.SetMeasurementEventCallback<short>((i, v, t, _) => Record(i, v, t));
        _listener.SetMeasurementEventCallback<int>((i, v, t, _) => Record(i, v, t));
        _listener.SetMeasurementEventCallback<long>((i, v, t, _) => Record(i, v, t));
        _listener.SetMeasurementEventCallback<float>((i, v, t, _) => Record(i, v, t));
        _listener.SetMeasurementEventCallback<double>((i, v, t, _) => Record(i, v, t));
        _listener.SetMeasurementEventCallback<decimal>((i, v, t, _) => Record(i, (double)v, t));
        _listener.Start();
    }

    public string Render()
    {
        var text = new StringBuilder();
        lock (_rendering)
        {
            foreach (var (instrument, family) in _families)
            {
                // What is observed is observed anew: a series that is gone must not stay.
                if (instrument.IsObservable) family.Series.Clear();
            }

            _listener.RecordObservableInstruments();
            foreach (var group in _families.Values.GroupBy(f => f.Name).OrderBy(g => g.Key, StringComparer.Ordinal))
            {
                var first = group.First();
                text.Append("# TYPE ").Append(first.Name).Append(' ').Append(first.Type).Append('\n');
                foreach (var family in group) family.Write(text);
            }
        }

        return text.ToString();
    }

    public void Dispose() => _listener.Dispose();

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (_families.TryGetValue(instrument, out var family)) family.Record(value, tags);
    }

    private sealed class Family
    {
        private readonly bool _isValue;

        public Family(Instrument instrument)
        {
            var kind = instrument.GetType().Name;
            Type = kind.Contains("Histogram", StringComparison.Ordinal) ? "histogram"
                : kind.Contains("UpDown", StringComparison.Ordinal) || kind.Contains("Gauge", StringComparison.Ordinal) ? "gauge" : "counter";
            _isValue = instrument.IsObservable || kind.Contains("Gauge", StringComparison.Ordinal);
            var name = new StringBuilder();
            foreach (var c in instrument.Name) name.Append(char.IsAsciiLetterOrDigit(c) ? c : '_');
            name.Append(instrument.Unit switch { "s" => "_seconds", "By" => "_bytes", "ms" => "_milliseconds", _ => "" });
            if (Type == "counter") name.Append("_total");
            Name = name.ToString();
        }

        public string Name { get; }
        public string Type { get; }
        public ConcurrentDictionary<string, Series> Series { get; } = new(StringComparer.Ordinal);

        public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var series = Series.GetOrAdd(Labels(tags), static (_, type) => new Series(type == "histogram" ? new long[Bounds.Length] : null), Type);
            lock (series)
            {
                series.Count++;
                // Gauges that are set, and everything observed, are values; counters and up-down counters that are added to are sums.
                series.Sum = _isValue ? value : series.Sum + value;
                if (series.Buckets is not { } buckets) return;
                for (var i = 0; i < Bounds.Length; i++)
                {
                    if (value <= Bounds[i]) buckets[i]++;
                }
            }
        }

        public void Write(StringBuilder text)
        {
            foreach (var (labels, series) in Series.OrderBy(p => p.Key, StringComparer.Ordinal))
            {
                lock (series)
                {
                    if (series.Buckets is { } buckets)
                    {
                        for (var i = 0; i < Bounds.Length; i++)
                            Line(text, "_bucket", Join(labels, $"le=\"{Bounds[i].ToString(CultureInfo.InvariantCulture)}\""), buckets[i]);
                        Line(text, "_bucket", Join(labels, "le=\"+Inf\""), series.Count);
                        Line(text, "_sum", labels, series.Sum);
                        Line(text, "_count", labels, series.Count);
                    }
                    else
                    {
                        Line(text, "", labels, series.Sum);
                    }
                }
            }
        }

        private void Line(StringBuilder text, string suffix, string labels, double value)
        {
            text.Append(Name).Append(suffix);
            if (labels.Length > 0) text.Append('{').Append(labels).Append('}');
            text.Append(' ').Append(value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
        }

        private static string Join(string labels, string more) => labels.Length == 0 ? more : $"{labels},{more}";

        private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            if (tags.IsEmpty) return "";
            var text = new StringBuilder();
            foreach (var (key, value) in tags)
            {
                if (text.Length > 0) text.Append(',');
                foreach (var c in key) text.Append(char.IsAsciiLetterOrDigit(c) ? c : '_');
                text.Append("=\"").Append(Convert.ToString(value, CultureInfo.InvariantCulture)?
                    .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)).Append('"');
            }

            return text.ToString();
        }
    }

    private sealed class Series(long[]? buckets)
    {
        public long[]? Buckets { get; } = buckets;
        public double Sum { get; set; }
        public long Count { get; set; }
    }
}
