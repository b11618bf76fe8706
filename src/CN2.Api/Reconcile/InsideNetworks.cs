using System.Net;
using CN2.Network.Addressing;
using CN2.Network.Resources;

namespace CN2.Api.Reconcile;

/// <summary>
/// The nodes, and the networks of the endpoints (<see cref="EndpointNetwork"/>). Every agent knows them: it tells clients outside from callers inside by them. The lists
/// are as long as there are networks with endpoints, and the cost of a change is that of its addresses.
/// </summary>
internal sealed class InsideNetworks
{
    /// <summary>How many nodes and endpoints have an address there.</summary>
    private readonly Dictionary<IPNetwork, int> _counts = [];
    private HashSet<IPNetwork> _changed = [];

    public IReadOnlyCollection<IPNetwork> All => [.. _counts.Keys];

    public bool Contains(IPNetwork network) => _counts.ContainsKey(network);

    public void Replace(VirtualMachineInterface? before, VirtualMachineInterface? after) => Replace(Of(before), Of(after));

    public void Replace(VirtualRouter? before, VirtualRouter? after) => Replace(Of(before), Of(after));

    /// <summary>What has come or gone since the last call.</summary>
    public IReadOnlyCollection<IPNetwork> TakeChanged()
    {
        var changed = _changed;
        _changed = [];
        return changed;
    }

    private void Replace(IReadOnlyList<IPNetwork> before, IReadOnlyList<IPNetwork> after)
    {
        if (before.SequenceEqual(after)) return;
        foreach (var network in after) Count(network, 1);
        foreach (var network in before) Count(network, -1);
    }

    private void Count(IPNetwork network, int by)
    {
        var count = _counts.GetValueOrDefault(network) + by;
        // It may come and go between two calls: what is sent says only how things stand.
        if (count == 0 || count == by) _changed.Add(network);
        if (count == 0) _counts.Remove(network);
        else _counts[network] = count;
    }

    private static IReadOnlyList<IPNetwork> Of(VirtualMachineInterface? endpoint) => [.. (endpoint?.Addresses ?? []).Select(EndpointNetwork.Of)];

    private static IReadOnlyList<IPNetwork> Of(VirtualRouter? router) => [.. new[] { router?.Address, router?.Address6 }.OfType<IPAddress>().Select(EndpointNetwork.OfNode)];
}
