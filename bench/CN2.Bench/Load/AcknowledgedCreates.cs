using System.Diagnostics;
using System.Net;

namespace CN2.Bench.Load;

/// <summary>Clients that create a Service, wait until the agent with its endpoint has acknowledged it, and then create the next.</summary>
internal static class AcknowledgedCreates
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <param name="clients">At the same time.</param>
    /// <param name="count">Creates of each of them.</param>
    /// <param name="prefix">Of the Services' names.</param>
    /// <param name="app">The label of the endpoint.</param>
    /// <param name="arrivals">Of the agent with the endpoint, which acknowledges what arrives at once.</param>
    /// <param name="until">Not null: as many more as are begun before this has completed.</param>
    public static async Task<Run> RunAsync(int clients, int count, string prefix, string app, Arrivals arrivals, Task? until = null)
    {
        try
        {
            var times = await Task.WhenAll(Enumerable.Range(0, clients).Select(client => Task.Run(() => OneAsync(count, $"{prefix}-{client}", app, arrivals, until))));
            return new Run(new Latencies(times.SelectMany(t => t)));
        }
        catch (TimeoutException)
        {
            return new Run($"one took longer than {Patience.TotalSeconds} s");
        }
    }

    private static async Task<List<double>> OneAsync(int count, string prefix, string app, Arrivals arrivals, Task? until)
    {
        var times = new List<double>(count);
        using var line = ServiceLoad.Connect();
        for (var i = 0; i < count || until is { IsCompleted: false }; i++)
        {
            var began = Stopwatch.GetTimestamp();
            var address = IPAddress.Parse(ServiceLoad.One(line, $"{prefix}-{i}", app));
            times.Add(Stopwatch.GetElapsedTime(began, await arrivals.At(address).WaitAsync(Patience)).TotalMilliseconds);
        }

        return times;
    }

    /// <summary>Milliseconds from each POST until its NAT entries reached the agent, or why there are none.</summary>
    internal sealed record Run(Latencies? Latencies, string? Fault)
    {
        public Run(Latencies latencies)
            : this(latencies, null)
        {
        }

        public Run(string fault)
            : this(null, fault)
        {
        }

        /// <summary>For a table: p50, p99 and the longest, or the fault.</summary>
        public object[] Cells => Latencies is { } l ? [l.P50, l.P99, l.Max] : [Fault!, "", ""];
    }
}
