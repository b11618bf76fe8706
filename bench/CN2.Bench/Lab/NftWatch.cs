using System.Collections.Concurrent;
using System.Diagnostics;

namespace CN2.Bench.Lab;

/// <summary>What the kernel of a namespace says about its nftables while this is alive (<c>nft monitor</c>): every element that was sent to nft.</summary>
internal sealed class NftWatch : IDisposable
{
    private const string Probe = "cn2_bench_probe";
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _elements = new();
    private int _transactions;
    private int _probes;

    public NftWatch(string ns)
    {
        _process = Process.Start(new ProcessStartInfo("ip", ["netns", "exec", ns, "nft", "monitor"]) { RedirectStandardOutput = true })!;
        new Thread(Read) { IsBackground = true }.Start();
        // It says nothing when it begins to hear.
        Deadline.UntilAsync("nft monitor", () =>
        {
            PrivateNetwork.Exec(ns, "nft", $"add table ip {Probe}; delete table ip {Probe}");
            return Volatile.Read(ref _probes) > 0;
        }, everyMilliseconds: 100).Wait();
    }

    /// <summary>Elements added and deleted, as nft words them.</summary>
    public IReadOnlyCollection<string> Elements => _elements;

    public int Transactions => Volatile.Read(ref _transactions);

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    private void Read()
    {
        var ours = false;
        while (_process.StandardOutput.ReadLine() is { } line)
        {
            if (line.Contains(Probe, StringComparison.Ordinal))
            {
                ours = true;
                Interlocked.Increment(ref _probes);
            }
            else if (!line.StartsWith('#'))
            {
                _elements.Enqueue(line);
            }
            else
            {
                // The generation ends each transaction.
                if (!ours) Interlocked.Increment(ref _transactions);
                ours = false;
            }
        }
    }
}
