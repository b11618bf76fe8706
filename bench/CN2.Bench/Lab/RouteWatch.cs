using System.Collections.Concurrent;
using System.Diagnostics;

namespace CN2.Bench.Lab;

/// <summary>
/// What the kernel of a namespace says about its routes, as it says it (<c>ip monitor route</c>): the moment a routing daemon has
/// installed one, without polling.
/// </summary>
internal sealed class RouteWatch : IDisposable
{
    private readonly Process _process;
    private readonly ConcurrentDictionary<string, TaskCompletionSource<long>> _awaited = new();
    private readonly ConcurrentDictionary<string, long> _present = new();
    private long _deleted;
    private long _notices;

    public RouteWatch(string ns)
    {
        _process = Process.Start(new ProcessStartInfo("ip", ["-n", ns, "monitor", "route"]) { RedirectStandardOutput = true })!;
        new Thread(Read) { IsBackground = true }.Start();
        Eventually.True(() =>
        {
            PrivateNetwork.Ip(ns, "route", "replace", "blackhole", "203.0.113.255");
            PrivateNetwork.Ip(ns, "route", "del", "blackhole", "203.0.113.255");
            return Interlocked.Read(ref _deleted) > 0;
        }, "ip monitor reports");
        Interlocked.Exchange(ref _deleted, 0);
    }

    /// <summary>Whether the route to this host is there.</summary>
    public bool Has(string address) => _present.ContainsKey(address);

    /// <summary>Everything the kernel has said since the start.</summary>
    public long Notices => Interlocked.Read(ref _notices);

    /// <summary>Host routes that came and have not gone.</summary>
    public int Present => _present.Count;

    /// <summary>Routes that were taken away since the start.</summary>
    public long Deleted => Interlocked.Read(ref _deleted);

    /// <summary>The timestamp (<see cref="Stopwatch.GetTimestamp"/>) at which the route to this host was seen.</summary>
    public Task<long> SeenAsync(string address)
    {
        var waiter = _awaited.GetOrAdd(address, _ => new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously));
        if (_present.TryGetValue(address, out var at)) waiter.TrySetResult(at);
        return waiter.Task.WaitAsync(TimeSpan.FromSeconds(120));
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    private void Read()
    {
        while (_process.StandardOutput.ReadLine() is { } line)
        {
            var now = Stopwatch.GetTimestamp();
            var words = line.Split(' ', 4, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2) continue;
            Interlocked.Increment(ref _notices);
            if (words[0] == "Deleted")
            {
                var address = words[1] == "blackhole" ? words[2] : words[1];
                _present.TryRemove(address, out _);
                _awaited.TryRemove(address, out _);
                Interlocked.Increment(ref _deleted);
            }
            else if (words[0] != "blackhole")
            {
                _present.TryAdd(words[0], now);
                if (_awaited.TryGetValue(words[0], out var waiter)) waiter.TrySetResult(now);
            }
        }
    }
}
