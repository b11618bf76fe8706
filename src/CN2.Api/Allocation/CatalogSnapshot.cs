using System.Collections.Concurrent;
using System.Collections.Frozen;
using CN2.Network.Addressing;
using CN2.Network.Resources;
using CN2.Network.Selection;

namespace CN2.Api.Allocation;

/// <summary>Namespaces, networks, selectors and the pools of cluster IPs at one <see cref="Version"/>. Immutable.</summary>
public sealed class CatalogSnapshot
{
    private readonly FrozenDictionary<Guid, CatalogNetwork> _byUid;
    private readonly FrozenDictionary<NamespacedName, CatalogNetwork> _byName;
    private readonly NetworkSelector[] _selectors;
    private readonly NetworkCandidate[] _choosable;
    private readonly FrozenDictionary<string, IReadOnlyDictionary<string, string>> _namespaceLabels;
    private readonly FrozenDictionary<int, (CatalogSubnet Subnet, CatalogNetwork? Network)> _subnets;
    private readonly int[] _serviceV4;
    private readonly int[] _serviceV6;
    private readonly ConcurrentDictionary<(string Namespace, string? Network, string? Selector), NetworkCandidates> _candidates = new();

    public CatalogSnapshot(
        long version,
        Dictionary<string, LabelSet> namespaces,
        IReadOnlyList<CatalogNetwork> networks,
        IReadOnlyList<NetworkSelector> selectors,
        IReadOnlyList<CatalogSubnet> serviceSubnets)
    {
        Version = version;
        Namespaces = namespaces;
        _byUid = networks.ToFrozenDictionary(n => n.Uid);
        _byName = networks.ToFrozenDictionary(n => n.Id);
        _selectors = [.. selectors];
        _choosable = [.. networks.Select(n => new NetworkCandidate(n.Uid, n.Id, n.Labels, n.Priority, n.AutoAssign))];
        _namespaceLabels = namespaces.ToFrozenDictionary(n => n.Key, n => (IReadOnlyDictionary<string, string>)n.Value);
        _subnets = networks.SelectMany(n => n.Subnets.Select(s => (Subnet: s, Network: (CatalogNetwork?)n)))
            .Concat(serviceSubnets.Select(s => (Subnet: s, Network: (CatalogNetwork?)null))).ToFrozenDictionary(s => s.Subnet.Id);
        _serviceV4 = [.. serviceSubnets.Where(s => s.Family == IPFamily.IPv4).Select(s => s.Id)];
        _serviceV6 = [.. serviceSubnets.Where(s => s.Family == IPFamily.IPv6).Select(s => s.Id)];
    }

    public long Version { get; }

    public IReadOnlyDictionary<string, LabelSet> Namespaces { get; }

    public CatalogNetwork? Network(Guid uid) => _byUid.GetValueOrDefault(uid);

    public CatalogNetwork? Network(NamespacedName id) => _byName.GetValueOrDefault(id);

    /// <summary>A subnet that new addresses come from, and its network (null: the service network).</summary>
    public (CatalogSubnet Subnet, CatalogNetwork? Network) Subnet(int id) => _subnets[id];

    public IReadOnlyList<int> ServiceSubnetsOf(IPFamily family) => family == IPFamily.IPv6 ? _serviceV6 : _serviceV4;

    /// <summary>
    /// Where a Service of <paramref name="ns"/> may get its external addresses (docs/contract.md §3): from the network it names; otherwise
    /// from the networks that its selector (default <c>default-external</c>) chooses, by priority, then name.
    /// </summary>
    public NetworkCandidates CandidatesFor(string ns, string? network, string? selector) =>
        _candidates.GetOrAdd((ns, network, selector), static (key, self) => self.Resolve(key.Namespace, key.Network, key.Selector), this);

    private NetworkCandidates Resolve(string ns, string? network, string? selector)
    {
        var selection = ExternalNetworkSelection.Choose(ns, network, selector, _choosable, _selectors, _namespaceLabels);
        return new NetworkCandidates([.. selection.Candidates.Select(c => _byUid[c.Uid])], selection.Reason, selection.Message);
    }
}
