using System.Threading.Channels;
using CN2.Network.Collections;
using CN2.Network.Overlay;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Tests.Overlay;

/// <summary>An engine in memory: it applies only what a change names.</summary>
internal sealed class MemoryOverlay : IOverlayEngine
{
    private readonly Channel<string> _drift = Channel.CreateUnbounded<string>();

    public string Name => "memory";

    public ChannelReader<string> Drift => _drift.Reader;

    public OverlayCounters Counters { get; set; } = OverlayCounters.None;

    public string? Notice { get; set; }

    /// <summary>Calls are refused with this message; null: they succeed.</summary>
    public string? Refusal { get; set; }

    /// <summary>What it says to have refused alone.</summary>
    public List<DataplaneRefusal> Refused { get; } = [];

    /// <summary>Called at the beginning of each call.</summary>
    public Action? Called { get; set; }

    public int Calls { get; private set; }

    public SortedDictionary<int, uint> RoutingInstances { get; } = [];

    public Dictionary<VpnRouteKey, EquatableList<VpnPath>> Routes { get; } = [];

    public Task<IReadOnlyList<DataplaneRefusal>> ApplyAsync(OverlayConfig desired, OverlayChange? change, CancellationToken cancellation)
    {
        Calls++;
        Called?.Invoke();
        if (Refusal is { } refusal) throw new DataplaneException(refusal);
        Take(RoutingInstances, desired.RoutingInstances, change?.RoutingInstances ?? [.. RoutingInstances.Keys, .. desired.RoutingInstances.Keys]);
        Take(Routes, desired.Routes, change?.Routes ?? [.. Routes.Keys, .. desired.Routes.Keys]);
        return Task.FromResult<IReadOnlyList<DataplaneRefusal>>([.. Refused]);
    }

    public void ChangeByHand()
    {
        RoutingInstances.Clear();
        _drift.Writer.TryWrite("another process removed a device");
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static void Take<TKey, TValue>(IDictionary<TKey, TValue> held, Dictionary<TKey, TValue> desired, HashSet<TKey> keys)
        where TKey : notnull
    {
        foreach (var key in keys)
        {
            if (desired.TryGetValue(key, out var value)) held[key] = value;
            else held.Remove(key);
        }
    }
}
