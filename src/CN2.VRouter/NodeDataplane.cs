using System.Threading.Channels;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter;

/// <summary>
/// The packet path of a node as a whole: nftables' entries and the overlay's tunnels, brought to a configuration in an order in which
/// no entry ever stands before the tunnels it needs, nor a tunnel after the entries that tell its packets from the underlay's.
/// </summary>
/// <remarks>
/// Not one step, as the kernel has no transaction over both: first the engine holds old and new together, then nftables changes in
/// one transaction, then the engine lets go what is old. What packets see in between is harmless: a RoutingInstance without entries
/// drops what arrives, one whose entries are gone already does too. A route that changed its paths uses the new ones a moment early.
/// Refused by nftables, the engine keeps old and new until a later call succeeds.
/// </remarks>
public sealed class NodeDataplane : IDataplane
{
    private readonly IDataplane _entries;
    private readonly IOverlayEngine _engine;
    private readonly OverlayConfig _held = new();
    private readonly Channel<string> _drift = Channel.CreateBounded<string>(new BoundedChannelOptions(16) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _listening;

    /// <summary>Owns both.</summary>
    public NodeDataplane(IDataplane entries, IOverlayEngine engine)
    {
        _entries = entries;
        _engine = engine;
        _listening = Task.WhenAll(ListenAsync(entries.Drift), ListenAsync(engine.Drift));
    }

    public ChannelReader<string> Drift => _drift.Reader;

    public async Task ApplyAsync(DataplaneConfig desired, DataplaneChange? change, CancellationToken cancellation)
    {
        var gone = Add(desired.Overlay, change?.Overlay);
        await _engine.ApplyAsync(_held, change?.Overlay, cancellation);
        await _entries.ApplyAsync(desired, change, cancellation);
        if (gone.IsEmpty) return;
        foreach (var number in gone.RoutingInstances) _held.RoutingInstances.Remove(number);
        foreach (var key in gone.Routes) _held.Routes.Remove(key);
        await _engine.ApplyAsync(_held, gone, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _listening;
        await _engine.DisposeAsync();
        await _entries.DisposeAsync();
        _stop.Dispose();
    }

    /// <summary>Takes over what is new or different; gives what is to go when nothing needs it any more.</summary>
    private OverlayChange Add(OverlayConfig desired, OverlayChange? change)
    {
        var gone = new OverlayChange();
        IEnumerable<int> numbers = change?.RoutingInstances ?? [.. _held.RoutingInstances.Keys, .. desired.RoutingInstances.Keys];
        foreach (var number in numbers)
        {
            if (desired.RoutingInstances.TryGetValue(number, out var label)) _held.RoutingInstances[number] = label;
            // One whose label another has by now cannot be held together with it.
            else if (_held.RoutingInstances.TryGetValue(number, out label) && desired.RoutingInstances.ContainsValue(label)) _held.RoutingInstances.Remove(number);
            else if (_held.RoutingInstances.ContainsKey(number)) gone.RoutingInstances.Add(number);
        }

        IEnumerable<Network.Overlay.VpnRouteKey> routes = change?.Routes ?? [.. _held.Routes.Keys, .. desired.Routes.Keys];
        foreach (var key in routes)
        {
            if (desired.Routes.TryGetValue(key, out var paths)) _held.Routes[key] = paths;
            else if (_held.Routes.ContainsKey(key)) gone.Routes.Add(key);
        }

        return gone;
    }

    private async Task ListenAsync(ChannelReader<string> drift)
    {
        try
        {
            await foreach (var what in drift.ReadAllAsync(_stop.Token)) _drift.Writer.TryWrite(what);
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }
}
