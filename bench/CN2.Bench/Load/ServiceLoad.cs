using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace CN2.Bench.Load;

/// <summary>What a run of creates gave.</summary>
internal sealed record LoadResult(int Clients, int Created, TimeSpan Elapsed, Latencies Latencies)
{
    public double Rate => Created / Elapsed.TotalSeconds;
}

/// <summary>Clients that create Services over keep-alive HTTP, each on a thread with a blocking socket.</summary>
internal static class ServiceLoad
{
    /// <summary>As many as fit into the time, a million at most. Without <paramref name="app"/> they choose what is labelled with the prefix: nothing.</summary>
    public static LoadResult For(int clients, TimeSpan time, string prefix, Door? door = null, string? app = null) =>
        Run(door ?? Door.V1, clients, 1_000_000, time, i => $"{prefix}-{i}", app ?? prefix);

    /// <summary>As many as are begun before <paramref name="end"/> has completed, which must be within a minute.</summary>
    public static LoadResult Until(Task end, int clients, string prefix, Door door) => Run(door, clients, 1_000_000, TimeSpan.FromMinutes(1), i => $"{prefix}-{i}", prefix, end);

    /// <summary>This many, however long it takes.</summary>
    public static void Create(int clients, int count, string prefix, string? app = null) => Run(Door.V1, clients, count, TimeSpan.FromMinutes(10), i => $"{prefix}-{i}", app ?? prefix);

    /// <summary>One; returns its external address.</summary>
    public static string One(HttpLine line, string name, string app)
    {
        var status = line.Post(Door.V1.Collection, Door.V1.Body(name, app));
        if (status != 201) throw new InvalidOperationException($"POST {name}: {status} {Encoding.UTF8.GetString(line.Body)}");
        var body = line.Body;
        var at = body.IndexOf("\"externalIPs\":[\""u8);
        if (at < 0) throw new InvalidOperationException($"{name} got no external address: {Encoding.UTF8.GetString(body)}");
        var rest = body[(at + 16)..];
        return Encoding.ASCII.GetString(rest[..rest.IndexOf((byte)'"')]);
    }

    /// <summary>One client asks for the same again and again.</summary>
    public static Latencies Get(string path, int count)
    {
        using var line = Connect();
        return new Latencies(Enumerable.Range(0, count).Select(_ =>
        {
            var began = Stopwatch.GetTimestamp();
            var status = line.Get(path);
            return status == 200 ? Stopwatch.GetElapsedTime(began).TotalMilliseconds : throw new InvalidOperationException($"GET {path}: {status}");
        }).ToList());
    }

    public static HttpLine Connect() => new(Door.V1.Server);

    private static LoadResult Run(Door door, int clients, int count, TimeSpan time, Func<int, string> name, string app, Task? end = null)
    {
        var next = -1;
        var times = new List<double>[clients];
        Exception? fault = null;
        using var start = new ManualResetEventSlim();
        var watch = new Stopwatch();
        var threads = Enumerable.Range(0, clients).Select(c => new Thread(() =>
        {
            var mine = times[c] = new List<double>(4096);
            try
            {
                using var line = door.Connect(c);
                start.Wait();
                while (watch.Elapsed < time && end is not { IsCompleted: true } && Volatile.Read(ref fault) is null)
                {
                    var i = Interlocked.Increment(ref next);
                    if (i >= count) break;
                    var began = Stopwatch.GetTimestamp();
                    var status = line.Post(door.Collection, door.Body(name(i), app));
                    if (status != 201) throw new InvalidOperationException($"POST {name(i)}: {status} {Encoding.UTF8.GetString(line.Body)}");
                    mine.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
                }
            }
            catch (Exception e)
            {
                Volatile.Write(ref fault, e);
            }
        }, 256 * 1024)).ToList();
        threads.ForEach(t => t.Start());
        watch.Start();
        start.Set();
        threads.ForEach(t => t.Join());
        watch.Stop();
        if (fault is not null) throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{clients} clients"), fault);
        return new LoadResult(clients, times.Sum(t => t.Count), watch.Elapsed, new Latencies(times.SelectMany(t => t)));
    }
}
