using System.Net;
using CN2.Network.Overlay;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Overlay.Model;

/// <summary>One application of a configuration: which RoutingInstances and routes it adds and removes.</summary>
/// <param name="change">What may differ from the step before; null: anything, so everything is compared with the kernel's real state.</param>
/// <param name="make">Makes the state of a new RoutingInstance.</param>
internal sealed class OverlayStep<TInstance>(OverlayChange? change, Func<int, TInstance> make)
    where TInstance : RoutingInstanceState
{
    public bool Whole { get; } = change is null;

    public List<TInstance> New { get; } = [];

    public List<TInstance> Gone { get; } = [];

    /// <summary>Routes that had no usable path before this step and have one now.</summary>
    public List<(RoutingInstanceState Instance, IPNetwork Prefix)> AddedRoutes { get; } = [];

    /// <summary>Routes that have no usable path any more.</summary>
    public List<(RoutingInstanceState Instance, IPNetwork Prefix)> RemovedRoutes { get; } = [];

    /// <summary>Routes that the kernel refuses, and why; everything else of the step is done.</summary>
    public Dictionary<VpnRouteKey, string> Refused { get; } = [];

    public void Refuse(RoutingInstanceState instance, IPNetwork prefix, string reason) => Refused[new VpnRouteKey(instance.Number, prefix)] = reason;

    /// <summary>Changes <paramref name="instances"/> to the desired state and records the differences here.</summary>
    public void Plan(Dictionary<int, TInstance> instances, OverlayConfig desired)
    {
        IEnumerable<int> numbers = change is null ? [.. desired.RoutingInstances.Keys, .. instances.Keys] : change.RoutingInstances;
        foreach (var number in numbers.Distinct())
        {
            var there = instances.TryGetValue(number, out var instance);
            if (!desired.RoutingInstances.TryGetValue(number, out var label))
            {
                if (there && instances.Remove(number)) Gone.Add(instance!);
                continue;
            }

            if (!there)
            {
                instances.Add(number, instance = make(number));
                New.Add(instance);
            }

            instance!.Label = label;
        }

        if (change is null)
        {
            foreach (var instance in instances.Values)
            {
                foreach (var prefix in instance.Prefixes.Where(p => !desired.Routes.ContainsKey(new VpnRouteKey(instance.Number, p))).ToList()) Set(instance, prefix, desired);
            }

            foreach (var key in desired.Routes.Keys)
            {
                if (instances.TryGetValue(key.RoutingInstance, out var instance)) Set(instance, key.Prefix, desired);
            }

            return;
        }

        foreach (var key in change.Routes)
        {
            if (instances.TryGetValue(key.RoutingInstance, out var instance)) Set(instance, key.Prefix, desired);
        }

        if (New.Count == 0) return;
        // Routes of a new RoutingInstance may have arrived before the instance itself.
        var fresh = New.ToDictionary(i => i.Number);
        foreach (var key in desired.Routes.Keys)
        {
            if (fresh.TryGetValue(key.RoutingInstance, out var instance)) Set(instance, key.Prefix, desired);
        }
    }

    private void Set(RoutingInstanceState instance, IPNetwork prefix, OverlayConfig desired)
    {
        switch (instance.Set(prefix, desired.Routes.GetValueOrDefault(new VpnRouteKey(instance.Number, prefix))))
        {
            case RouteChange.Added: AddedRoutes.Add((instance, prefix)); break;
            case RouteChange.Removed: RemovedRoutes.Add((instance, prefix)); break;
        }
    }
}
