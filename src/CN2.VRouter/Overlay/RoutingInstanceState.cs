using System.Net;
using System.Net.Sockets;
using CN2.Network.Collections;
using CN2.Network.Overlay;
using CN2.VRouter.Overlay.Forwarding;
using CN2.VRouter.Overlay.Native;
using CN2.VRouter.Overlay.Packets;

namespace CN2.VRouter.Overlay;

/// <summary>What a RoutingInstance is to be, and what packets see of it: the former changes route by route, the latter is made of it.</summary>
internal sealed class RoutingInstanceState(int number)
{
    private readonly Dictionary<IPNetwork, (EquatableList<VpnPath> Wanted, ForwardingPath[] Usable)> _routes = [];
    private readonly Dictionary<uint, int> _sources = [];
    private readonly InstanceCounters _counters = new();
    private PrefixTrie<ForwardingPath[]> _v4 = PrefixTrie<ForwardingPath[]>.Empty;
    private PrefixTrie<ForwardingPath[]> _v6 = PrefixTrie<ForwardingPath[]>.Empty;
    private PrefixTrie<ForwardingPath[]>.Editor? _v4Changes;
    private PrefixTrie<ForwardingPath[]>.Editor? _v6Changes;
    private uint[]? _sortedSources;
    private ForwardingInstance? _published;

    public int Number { get; } = number;

    public uint Label
    {
        get;
        set
        {
            if (field == value) return;
            field = value;
            _published = null;
        }
    }

    public TunDevice? Device
    {
        get;
        set
        {
            field = value;
            _published = null;
        }
    }

    public uint Table => OverlayNumbers.RoutingTable(Number);

    public IReadOnlyCollection<IPNetwork> Prefixes => _routes.Keys;

    public bool Has(IPNetwork prefix) => _routes.ContainsKey(prefix);

    /// <summary>Gives a route these paths; null, or none that can be used: no such route.</summary>
    /// <returns>Whether the prefix came (true), went (false), or neither (null).</returns>
    public bool? Set(IPNetwork prefix, EquatableList<VpnPath>? paths)
    {
        var there = _routes.TryGetValue(prefix, out var before);
        if (there && before.Wanted.Equals(paths)) return null;
        var usable = paths is null ? null : ForwardingPath.Of(paths);
        if (!there && usable is null) return null;
        var v6 = prefix.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6;
        var changes = v6 ? _v6Changes ??= _v6.Edit() : _v4Changes ??= _v4.Edit();
        _published = null;
        if (there) CountSources(before.Usable, -1);
        if (usable is null)
        {
            _routes.Remove(prefix);
            changes.Remove(AddressKey.Of(prefix.BaseAddress), prefix.PrefixLength);
            return false;
        }

        CountSources(usable, 1);
        _routes[prefix] = (paths!, usable);
        changes.Set(AddressKey.Of(prefix.BaseAddress), prefix.PrefixLength, usable);
        return there ? null : true;
    }

    /// <summary>As packets are to see it from now on; the same object while nothing changes.</summary>
    public ForwardingInstance Publish()
    {
        if (_published is not null) return _published;
        _v4 = _v4Changes?.Done() ?? _v4;
        _v6 = _v6Changes?.Done() ?? _v6;
        _v4Changes = _v6Changes = null;
        _sortedSources ??= [.. _sources.Keys.Order()];
        return _published = new ForwardingInstance(Number, Label, Device, _sortedSources, _v4, _v6, _counters);
    }

    private void CountSources(ForwardingPath[] paths, int by)
    {
        foreach (var path in paths)
        {
            var count = _sources.GetValueOrDefault(path.NextHop) + by;
            if (count == 0) _sources.Remove(path.NextHop);
            else _sources[path.NextHop] = count;
            if (count == 0 || count == by) _sortedSources = null;
        }
    }
}
