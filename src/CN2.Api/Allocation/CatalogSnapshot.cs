using System.Collections.Concurrent;
using System.Collections.Frozen;
using CN2.Network.Addressing;
using CN2.Network.Resources;
using CN2.Network.Selection;

namespace CN2.Api.Allocation;

/// <summary>Namespaces, networks, selectors and the pools of cluster IPs at one <see cref="Version"/>. Immutable.</summary>
public sealed class CatalogSnapshot
{
    /// <summary>Answers of <see cref="CandidatesFor"/> that are kept: clients can ask for any number of names that do not exist.</summary>
    public const int MostRemembered = 4096;

    private readonly FrozenDictionary<Guid, CatalogNetwork> _byUid;
    private readonly FrozenDictionary<NamespacedName, CatalogNetwork> _byName;
    private readonly NetworkSelector[] _selectors;
    private readonly NetworkCandidate[] _choosable;
    private readonly FrozenDictionary<string, IReadOnlyDictionary<string, string>> _namespaceLabels;
    private readonly FrozenDictionary<int, (CatalogSubnet Subnet, CatalogNetwork? Network)> _subnets;
    private readonly FrozenSet<string> _granted;
    private readonly int[] _serviceV4;
    private readonly int[] _serviceV6;
    private readonly ConcurrentDictionary<(string Namespace, string? Network, string? Selector), NetworkCandidates> _candidates = new();
    private int _asked;

    public CatalogSnapshot(
        long version,
        Dictionary<string, LabelSet> namespaces,
        IReadOnlyList<CatalogNetwork> networks,
        IReadOnlyList<NetworkSelector> selectors,
        IReadOnlyList<CatalogSubnet> serviceSubnets,
        IEnumerable<string>? granted = null)
    {
        Version = version;
        Namespaces = namespaces;
        _byUid = networks.ToFrozenDictionary(n => n.Uid);
        _byName = networks.ToFrozenDictionary(n => n.Id);
        _selectors = [.. selectors];
        _choosable = [.. networks.Select(n => new NetworkCandidate(n.Uid, n.Id, n.Labels, n.Priority, n.AutoAssign, n.Access))];
        _namespaceLabels = namespaces.ToFrozenDictionary(n => n.Key, n => (IReadOnlyDictionary<string, string>)n.Value);
        _subnets = networks.SelectMany(n => n.Subnets.Select(s => (Subnet: s, Network: (CatalogNetwork?)n)))
            .Concat(serviceSubnets.Select(s => (Subnet: s, Network: (CatalogNetwork?)null))).ToFrozenDictionary(s => s.Subnet.Id);
        _granted = (granted ?? []).ToFrozenSet(StringComparer.Ordinal);
        _serviceV4 = [.. serviceSubnets.Where(s => s.Family == IPFamily.IPv4).Select(s => s.Id)];
        _serviceV6 = [.. serviceSubnets.Where(s => s.Family == IPFamily.IPv6).Select(s => s.Id)];
    }

    public long Version { get; }

    /// <summary>How many answers of <see cref="CandidatesFor"/> are kept.</summary>
    internal int Remembered => _candidates.Count;

    public IReadOnlyDictionary<string, LabelSet> Namespaces { get; }

    /// <summary>The namespace has a grant, so what it uses is counted.</summary>
    public bool HasGrant(string ns) => _granted.Contains(ns);

    /// <summary>Whether Services and FloatingIPs of the namespace may use the network (docs/contract.md §3, allowedNamespaces).</summary>
    public bool MayUse(string ns, CatalogNetwork network) => network.Access.Allows(Namespaces.TryGetValue(ns, out var labels) ? labels : LabelSet.Empty);

    public CatalogNetwork? Network(Guid uid) => _byUid.GetValueOrDefault(uid);

    public CatalogNetwork? Network(NamespacedName id) => _byName.GetValueOrDefault(id);

    /// <summary>A subnet that new addresses come from, and its network (null: the service network).</summary>
    public (CatalogSubnet Subnet, CatalogNetwork? Network) Subnet(int id) => _subnets[id];

    public IReadOnlyList<int> ServiceSubnetsOf(IPFamily family) => family == IPFamily.IPv6 ? _serviceV6 : _serviceV4;

    /// <summary>
    /// Where a Service of <paramref name="ns"/> may get its external addresses (docs/contract.md §3): from the network it names; otherwise
    /// from the networks that its selector (default <c>default-external</c>) chooses, by priority, then name.
    /// </summary>
    public NetworkCandidates CandidatesFor(string ns, string? network, string? selector)
    {
        if (_candidates.TryGetValue((ns, network, selector), out var known)) return known;
        var candidates = Resolve(ns, network, selector);
        // Counted beforehand: the count of the dictionary takes all its locks.
        if (Interlocked.Increment(ref _asked) <= MostRemembered) _candidates.TryAdd((ns, network, selector), candidates);
        return candidates;
    }

    private NetworkCandidates Resolve(string ns, string? network, string? selector)
    {
        var selection = ExternalNetworkSelection.Choose(ns, network, selector, _choosable, _selectors, _namespaceLabels);
        return new NetworkCandidates([.. selection.Candidates.Select(c => _byUid[c.Uid])], selection.Reason, selection.Message);
    }
}
