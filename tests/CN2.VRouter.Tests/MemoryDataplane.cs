using System.Net;
using System.Threading.Channels;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.Network.Resources;
using CN2.VRouter.Tests.Lab;

namespace CN2.VRouter.Tests;

/// <summary>A data plane that only remembers, and says where a flow would go. Passes the contract the kernel passes.</summary>
internal sealed class MemoryDataplane : IDataplane
{
    private readonly Channel<string> _drift = Channel.CreateUnbounded<string>();
    private readonly Lock _lock = new();
    private Dictionary<FrontendKey, DataplaneFrontend> _frontends = [];
    private bool _drifted;

    public ChannelReader<string> Drift => _drift.Reader;

    /// <summary>Refuse with this message until it is null again.</summary>
    public string? Refusal { get; set; }

    /// <summary>Held while a test wants a call to last.</summary>
    public SemaphoreSlim Turn { get; } = new(1, 1);

    public int Calls { get; private set; }

    public IReadOnlyDictionary<FrontendKey, DataplaneFrontend> Frontends
    {
        get
        {
            lock (_lock) return new Dictionary<FrontendKey, DataplaneFrontend>(_frontends);
        }
    }

    public async Task ApplyAsync(DataplaneConfig desired, DataplaneChange? change, CancellationToken cancellation)
    {
        await Turn.WaitAsync(cancellation);
        try
        {
            Calls++;
            if (Refusal is { } refusal) throw new DataplaneException(refusal);
            lock (_lock)
            {
                if (change is null || _drifted)
                {
                    _frontends = new(desired.Frontends);
                    _drifted = false;
                    return;
                }

                foreach (var key in change.Frontends)
                {
                    if (desired.Frontends.TryGetValue(key, out var frontend)) _frontends[key] = frontend;
                    else _frontends.Remove(key);
                }
            }
        }
        finally
        {
            Turn.Release();
        }
    }

    public void SomebodyTakesAll()
    {
        lock (_lock)
        {
            _frontends.Clear();
            _drifted = true;
        }

        _drift.Writer.TryWrite("somebody changed the tables");
    }

    public Answer? Reach(TransportProtocol protocol, IPAddress to, int port, IPAddress from, IReadOnlySet<IPAddress> nodeAddresses, Func<IPAddress, string> name, Func<IPFamily, string> nodeAddress)
    {
        var family = from.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? IPFamily.IPv4 : IPFamily.IPv6;
        var frontends = Frontends;
        if (!frontends.TryGetValue(new FrontendKey(family, to, protocol, (ushort)port), out var frontend)
            && !frontends.TryGetValue(new FrontendKey(family, to, null, 0), out frontend)
            && !(nodeAddresses.Contains(to) && frontends.TryGetValue(new FrontendKey(family, null, protocol, (ushort)port), out frontend))) return null;
        if (frontend.Backends.Count == 0) return null;
        if (frontend.SourceRanges.Count > 0 && !frontend.SourceRanges.Any(r => r.BaseAddress.AddressFamily == from.AddressFamily && r.Contains(from))) return null;
        var draw = frontend.ClientIPAffinity ? from.GetAddressBytes()[^1] : Random.Shared.Next();
        var backend = frontend.Backends[draw % frontend.Backends.Count];
        return new Answer(name(backend.Address), backend.Local ? from.ToString() : nodeAddress(family));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
