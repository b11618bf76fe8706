using System.Threading.Channels;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter;

/// <summary>
/// The whole packet path of a node: NAT entries in nftables, and the overlay's tunnels. Order: create tunnels, then NAT entries; on removal
/// NAT entries first. No entry exists without its tunnel, and no tunnel without the entries that mark its packets.
/// </summary>
/// <remarks>
/// The kernel has no transaction over both, so there are three steps: the engine holds the old and the new tunnels together, nftables
/// changes in one transaction, the engine removes the old tunnels. Between the steps a RoutingInstance without entries drops its packets,
/// and a route with new paths uses them a moment early. If nftables refuses, the engine keeps old and new until a later call succeeds.
/// </remarks>
public sealed class NodeDataplane : IDataplane
{
    private readonly IDataplane _entries;
    private readonly IOverlayEngine _engine;
    private readonly OverlayConfig _held = new();
    private readonly Channel<string> _drift = Channel.CreateBounded<string>(new BoundedChannelOptions(16) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _listening;

    /// <summary>Disposes of both.</summary>
    public NodeDataplane(IDataplane entries, IOverlayEngine engine)
    {
        _entries = entries;
        _engine = engine;
        _listening = Task.WhenAll(ListenAsync(entries.Drift), ListenAsync(engine.Drift));
    }

    public ChannelReader<string> Drift => _drift.Reader;

    public async Task<IReadOnlyList<DataplaneRefusal>> ApplyAsync(DataplaneConfig desired, DataplaneChange? change, CancellationToken cancellation)
    {
        var gone = Add(desired.Overlay, change?.Overlay);
        var overlay = await _engine.ApplyAsync(_held, change?.Overlay, cancellation);
        var entries = await _entries.ApplyAsync(desired, change, cancellation);
        if (!gone.IsEmpty)
        {
            foreach (var number in gone.RoutingInstances) _held.RoutingInstances.Remove(number);
            foreach (var key in gone.Routes) _held.Routes.Remove(key);
            overlay = await _engine.ApplyAsync(_held, gone, cancellation);
        }

        return overlay.Count + entries.Count == 0 ? [] : [.. overlay, .. entries];
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _listening;
        await _engine.DisposeAsync();
        await _entries.DisposeAsync();
        _stop.Dispose();
    }

    /// <summary>Adds what is new or different to what the engine holds; returns what must be removed after the entries have changed.</summary>
    private OverlayChange Add(OverlayConfig desired, OverlayChange? change)
    {
        var gone = new OverlayChange();
        IEnumerable<int> numbers = change?.RoutingInstances ?? [.. _held.RoutingInstances.Keys, .. desired.RoutingInstances.Keys];
        foreach (var number in numbers)
        {
            if (desired.RoutingInstances.TryGetValue(number, out var label)) _held.RoutingInstances[number] = label;
            // Its label belongs to another RoutingInstance now, so both cannot be held together.
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
