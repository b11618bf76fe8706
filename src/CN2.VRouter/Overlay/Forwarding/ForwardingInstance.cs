using CN2.VRouter.Overlay.Model;
using CN2.VRouter.Overlay.Native;

namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>A RoutingInstance as packets see it; never changed, only replaced.</summary>
/// <param name="Device">Where inner packets go and come from.</param>
/// <param name="Sources">The tunnel end points that may send with our label: the next hops of its routes, sorted.</param>
internal sealed record ForwardingInstance(
    int Number,
    uint Label,
    TunDevice? Device,
    uint[] Sources,
    PrefixTrie<ForwardingPath[]> V4,
    PrefixTrie<ForwardingPath[]> V6,
    InstanceCounters Counters)
{
    public bool Knows(uint source) => Array.BinarySearch(Sources, source) >= 0;
}
