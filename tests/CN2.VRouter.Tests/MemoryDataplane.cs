using System.Net;
using System.Threading.Channels;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.Network.Sequencing;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests;

/// <summary>A data plane in memory that says where a flow would go. It passes the same contract as the kernel.</summary>
internal sealed class MemoryDataplane : IDataplane
{
    private readonly Channel<string> _drift = Channel.CreateUnbounded<string>();
    private readonly Lock _lock = new();
    private Dictionary<NatEntryKey, DataplaneNatEntry> _natEntries = [];
    private readonly HashSet<NatEntryKey> _refused = [];
    private bool _drifted;

    public ChannelReader<string> Drift => _drift.Reader;

    /// <summary>Calls are refused with this message; null: they succeed.</summary>
    public string? Refusal { get; set; }

    /// <summary>Entries that are refused alone.</summary>
    public HashSet<NatEntryKey> RefusedKeys { get; } = [];

    /// <summary>A test that holds it makes calls wait.</summary>
    public SemaphoreSlim Turn { get; } = new(1, 1);

    public int Calls { get; private set; }

    public IReadOnlyDictionary<NatEntryKey, DataplaneNatEntry> NatEntries
    {
        get
        {
            lock (_lock) return new Dictionary<NatEntryKey, DataplaneNatEntry>(_natEntries);
        }
    }

    public async Task<IReadOnlyList<DataplaneRefusal>> ApplyAsync(DataplaneConfig desired, DataplaneChange? change, CancellationToken cancellation)
    {
        await Turn.WaitAsync(cancellation);
        try
        {
            Calls++;
            if (Refusal is { } refusal) throw new DataplaneException(refusal);
            lock (_lock)
            {
                var keys = change is null || _drifted ? [.. _natEntries.Keys, .. desired.NatEntries.Keys] : change.NatEntries;
                _drifted = false;
                foreach (var key in keys)
                {
                    _refused.Remove(key);
                    if (!desired.NatEntries.TryGetValue(key, out var natEntry)) _natEntries.Remove(key);
                    else if (RefusedKeys.Contains(key)) _refused.Add(key);
                    else _natEntries[key] = natEntry;
                }

                return [.. _refused.Select(k => new DataplaneRefusal(new VirtualRouterItem.NatEntry(k), $"{k} is refused"))];
            }
        }
        finally
        {
            Turn.Release();
        }
    }

    public void ChangeByHand()
    {
        lock (_lock)
        {
            _natEntries.Clear();
            _drifted = true;
        }

        _drift.Writer.TryWrite("another process changed the tables");
    }

    public Answer? Reach(TransportProtocol protocol, IPAddress to, int port, IPAddress from, IReadOnlySet<IPAddress> nodeAddresses, Func<IPAddress, string> name, Func<IPFamily, string> nodeAddress)
    {
        var family = from.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? IPFamily.IPv4 : IPFamily.IPv6;
        var natEntries = NatEntries;
        if (!natEntries.TryGetValue(new NatEntryKey(family, to, protocol, (ushort)port), out var natEntry)
            && !natEntries.TryGetValue(new NatEntryKey(family, to, null, 0), out natEntry)
            && !(nodeAddresses.Contains(to) && natEntries.TryGetValue(new NatEntryKey(family, null, protocol, (ushort)port), out natEntry))) return null;
        if (natEntry.Backends.Count == 0) return null;
        if (natEntry.SourceRanges.Count > 0 && !natEntry.SourceRanges.Any(r => r.BaseAddress.AddressFamily == from.AddressFamily && r.Contains(from))) return null;
        var draw = natEntry.ClientIPAffinity ? from.GetAddressBytes()[^1] : Random.Shared.Next();
        var backend = natEntry.Backends[draw % natEntry.Backends.Count];
        return new Answer(name(backend.Address), backend.Local ? from.ToString() : nodeAddress(family));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
