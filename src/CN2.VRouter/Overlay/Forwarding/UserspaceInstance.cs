using System.Net;
using System.Net.Sockets;
using CN2.VRouter.Overlay.Model;
using CN2.VRouter.Overlay.Native;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Overlay.Forwarding;

/// <summary>A RoutingInstance whose packets this process forwards. Routes change one by one; packets see the result when it is published.</summary>
internal sealed class UserspaceInstance(int number) : RoutingInstanceState(number)
{
    private readonly InstanceCounters _counters = new();
    private PrefixTrie<ForwardingPath[]> _v4 = PrefixTrie<ForwardingPath[]>.Empty;
    private PrefixTrie<ForwardingPath[]> _v6 = PrefixTrie<ForwardingPath[]>.Empty;
    private PrefixTrie<ForwardingPath[]>.Editor? _v4Changes;
    private PrefixTrie<ForwardingPath[]>.Editor? _v6Changes;
    private uint[]? _sortedSources;
    private ForwardingInstance? _published;
    private TunDevice? _device;

    public override TunDevice? Device => _device;

    /// <summary>Uses this device for its packets from now on; null: none.</summary>
    public void Use(TunDevice? device)
    {
        _device = device;
        OnChanged();
    }

    /// <summary>The RoutingInstance as packets must see it now; the same object while nothing changes.</summary>
    public ForwardingInstance Publish()
    {
        if (_published is not null) return _published;
        _v4 = _v4Changes?.Done() ?? _v4;
        _v6 = _v6Changes?.Done() ?? _v6;
        _v4Changes = _v6Changes = null;
        _sortedSources ??= [.. NextHops.Order()];
        return _published = new ForwardingInstance(Number, Label, Device, _sortedSources, _v4, _v6, _counters);
    }

    protected override void OnChanged() => _published = null;

    protected override void OnRouteChanged(IPNetwork prefix, ForwardingPath[] paths)
    {
        var v6 = prefix.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6;
        var changes = v6 ? _v6Changes ??= _v6.Edit() : _v4Changes ??= _v4.Edit();
        if (paths.Length == 0) changes.Remove(AddressKey.Of(prefix.BaseAddress), prefix.PrefixLength);
        else changes.Set(AddressKey.Of(prefix.BaseAddress), prefix.PrefixLength, paths);
    }

    protected override void OnNextHopChanged(uint router, bool isNextHop) => _sortedSources = null;
}
