using CN2.VRouter.Overlay.Model;
using CN2.VRouter.Overlay.Native;

namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>A RoutingInstance as packets see it. Immutable: a change makes a new one.</summary>
/// <param name="Device">The device that sends and receives inner packets.</param>
/// <param name="Sources">The routers that may send with this label: the next hops of its routes, sorted.</param>
internal sealed record ForwardingInstance(
    int Number,
    uint Label,
    TunDevice? Device,
    uint[] Sources,
    PrefixTrie<ForwardingPath[]> V4,
    PrefixTrie<ForwardingPath[]> V6,
    InstanceCounters Counters)
{
    public bool Admits(uint source) => Array.BinarySearch(Sources, source) >= 0;
}
