extern alias agent;

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using agent::CN2.VRouter.V1;

namespace CN2.Bench.Load;

/// <summary>When NAT entries with a local backend reach one agent, by their address. Thread-safe.</summary>
internal sealed class Arrivals
{
    private readonly ConcurrentDictionary<IPAddress, TaskCompletionSource<long>> _arrivals = [];

    /// <summary>Notes the entries of a message of the server.</summary>
    public void Take(ReadOnlySpan<byte> bytes) => Take(Stopwatch.GetTimestamp(), ServerMessage.Parser.ParseFrom(bytes));

    /// <summary>The same of a message that was read already.</summary>
    /// <param name="now">When it came (<see cref="Stopwatch.GetTimestamp"/>).</param>
    /// <param name="message">The message.</param>
    public void Take(long now, ServerMessage message)
    {
        foreach (var entry in (message.Delta?.Put ?? message.Snapshot?.Items)?.NatEntries ?? [])
        {
            if (entry.Backends.Any(b => b.Local)) Of(new IPAddress(entry.Key.Address.Span)).TrySetResult(now);
        }
    }

    /// <summary>When the entries of this address arrived (<see cref="Stopwatch.GetTimestamp"/>), or will have arrived.</summary>
    public Task<long> At(IPAddress address) => Of(address).Task;

    private TaskCompletionSource<long> Of(IPAddress address) =>
        _arrivals.GetOrAdd(address, static _ => new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously));
}
