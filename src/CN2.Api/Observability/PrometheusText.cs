using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Numerics;
using System.Text;

namespace CN2.Api.Observability;

/// <summary>
/// The body of <c>/metrics</c>: listens to the meters of this host whose names begin with <c>CN2</c>, to ASP.NET Core's requests and to
/// the runtime, and writes Prometheus' text format 0.0.4.
/// </summary>
public sealed class PrometheusText : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<Instrument, MetricFamily> _families = new();
    private readonly Lock _rendering = new();

    public PrometheusText(IMeterFactory meters)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (!IsWanted(instrument.Meter, meters)) return;
            listener.EnableMeasurementEvents(instrument, _families.GetOrAdd(instrument, i => new MetricFamily(i)));
        };
        _listener.MeasurementsCompleted = (instrument, _) => _families.TryRemove(instrument, out var _);
        Listen<byte>();
        Listen<short>();
        Listen<int>();
        Listen<long>();
        Listen<float>();
        Listen<double>();
        Listen<decimal>();
        _listener.Start();
    }

    public string Render()
    {
        var text = new StringBuilder();
        lock (_rendering)
        {
            // Instruments that are observed report every series anew, so a series that is gone must not stay.
            foreach (var (instrument, family) in _families)
            {
                if (instrument.IsObservable) family.Clear();
            }

            _listener.RecordObservableInstruments();
            foreach (var family in _families.Values.OrderBy(f => f.Name, StringComparer.Ordinal)) family.WriteTo(text);
        }

        return text.ToString();
    }

    public void Dispose() => _listener.Dispose();

    /// <summary>
    /// A listener hears the meters of the whole process, and a process can run several hosts (tests do). A meter's scope is the factory
    /// of its host; the runtime's meter belongs to no host.
    /// </summary>
    private static bool IsWanted(Meter meter, IMeterFactory meters) => meter.Name == "System.Runtime"
        || (meter.Scope == meters && (meter.Name.StartsWith("CN2", StringComparison.Ordinal) || meter.Name == "Microsoft.AspNetCore.Hosting"));

    private void Listen<T>() where T : struct, INumber<T> =>
        _listener.SetMeasurementEventCallback<T>((_, value, tags, family) => ((MetricFamily)family!).Record(double.CreateChecked(value), tags));
}
