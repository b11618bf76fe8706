using System.Net;
using CN2.Network.Overlay;
using CN2.VRouter.Dataplane;
using CN2.VRouter.Overlay.Plumbing;

namespace CN2.VRouter.Overlay.Model;

/// <summary>One application of a configuration: which instances and prefixes come and go, and what that means for the kernel.</summary>
/// <param name="whole">Nothing is taken for granted: the kernel's rules and routes are read and compared.</param>
/// <param name="make">Makes the state of a RoutingInstance that is new.</param>
internal sealed class OverlayStep(bool whole, Func<int, RoutingInstanceState> make)
{
    private readonly List<(RoutingInstanceState Instance, IPNetwork Prefix)> _added = [];
    private readonly List<(RoutingInstanceState Instance, IPNetwork Prefix)> _removed = [];
    private readonly List<OverlayRule> _staleRules = [];

    public bool Whole { get; } = whole;

    public List<RoutingInstanceState> New { get; } = [];

    public List<RoutingInstanceState> Gone { get; } = [];

    /// <summary>Brings <paramref name="instances"/> to what is desired, and notes what that changes.</summary>
    public void Plan(Dictionary<int, RoutingInstanceState> instances, OverlayConfig desired, OverlayChange? change)
    {
        IEnumerable<int> numbers = change is null || Whole ? [.. desired.RoutingInstances.Keys, .. instances.Keys] : change.RoutingInstances;
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

        if (change is null || Whole)
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
        // The routes of a new one may have been there before it.
        var fresh = New.ToDictionary(i => i.Number);
        foreach (var key in desired.Routes.Keys)
        {
            if (fresh.TryGetValue(key.RoutingInstance, out var instance)) Set(instance, key.Prefix, desired);
        }
    }

    /// <summary>Queues what must be in the kernel before packets meet the new state.</summary>
    public void AddToKernel(OverlayPlumbing plumbing, IReadOnlyCollection<RoutingInstanceState> instances)
    {
        var known = Whole ? plumbing.ReadRules() : [];
        if (Whole) CompareRoutes(plumbing, instances);
        // The guard first, and it stays: a flow may outlive its RoutingInstance, and must not leak into the underlay then.
        if (instances.Count > 0 && (Whole || New.Count > 0))
        {
            foreach (var rule in plumbing.Guards().Where(r => !known.Contains(r))) plumbing.Add(rule);
        }

        foreach (var instance in Whole ? instances : New)
        {
            foreach (var rule in plumbing.RulesOf(instance.Number))
            {
                if (!known.Remove(rule)) plumbing.Add(rule);
            }
        }

        foreach (var (instance, prefix) in _added) plumbing.AddRoute(instance, prefix);
        if (Whole) _staleRules.AddRange(known.Where(r => !r.IsGuard));
        else _staleRules.AddRange(Gone.SelectMany(i => plumbing.RulesOf(i.Number)));
    }

    /// <summary>Queues what packets do not need any more.</summary>
    public void RemoveFromKernel(OverlayPlumbing plumbing)
    {
        foreach (var rule in _staleRules) plumbing.Remove(rule);
        foreach (var (instance, prefix) in _removed) plumbing.RemoveRoute(instance, prefix);
    }

    private void Set(RoutingInstanceState instance, IPNetwork prefix, OverlayConfig desired)
    {
        switch (instance.Set(prefix, desired.Routes.GetValueOrDefault(new VpnRouteKey(instance.Number, prefix))))
        {
            case true: _added.Add((instance, prefix)); break;
            case false: _removed.Add((instance, prefix)); break;
        }
    }

    private void CompareRoutes(OverlayPlumbing plumbing, IReadOnlyCollection<RoutingInstanceState> instances)
    {
        _added.Clear();
        _removed.Clear();
        foreach (var instance in instances)
        {
            var there = plumbing.ReadRoutes(instance);
            foreach (var prefix in instance.Prefixes)
            {
                if (!there.Remove(prefix)) _added.Add((instance, prefix));
            }

            foreach (var prefix in there) _removed.Add((instance, prefix));
        }
    }
}
