using CN2.Network.Sequencing;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>Parts of a configuration that nftables holds: NAT entries and FloatingIPs. Pure.</summary>
internal static class NftSelection
{
    public static List<VirtualRouterItem> All(DataplaneConfig config) =>
        [.. config.NatEntries.Keys.Order().Select(k => new VirtualRouterItem.NatEntry(k)), .. config.FloatingIPs.Select(a => new VirtualRouterItem.FloatingIP(a))];

    public static IEnumerable<VirtualRouterItem> All(DataplaneChange change) =>
        change.NatEntries.Select(VirtualRouterItem (k) => new VirtualRouterItem.NatEntry(k)).Concat(change.FloatingIPs.Select(a => new VirtualRouterItem.FloatingIP(a)));

    public static bool IsIn(DataplaneConfig config, VirtualRouterItem item) => item switch
    {
        VirtualRouterItem.NatEntry entry => config.NatEntries.ContainsKey(entry.Key),
        VirtualRouterItem.FloatingIP floatingIP => config.FloatingIPs.Contains(floatingIP.Address),
        _ => false,
    };

    /// <summary>Those of the items that the configuration has.</summary>
    public static List<VirtualRouterItem> Of(DataplaneConfig config, IEnumerable<VirtualRouterItem> items) => [.. items.Where(i => IsIn(config, i))];

    public static DataplaneChange Change(IEnumerable<VirtualRouterItem> items)
    {
        var change = new DataplaneChange();
        foreach (var item in items)
        {
            if (item is VirtualRouterItem.NatEntry entry) change.NatEntries.Add(entry.Key);
            else if (item is VirtualRouterItem.FloatingIP floatingIP) change.FloatingIPs.Add(floatingIP.Address);
        }

        return change;
    }

    public static DataplaneConfig Without(DataplaneConfig config, IReadOnlyCollection<VirtualRouterItem> items)
    {
        var left = new DataplaneConfig();
        foreach (var (key, entry) in config.NatEntries) left.NatEntries.Add(key, entry);
        left.FloatingIPs.UnionWith(config.FloatingIPs);
        left.Inside.UnionWith(config.Inside);
        foreach (var item in items)
        {
            if (item is VirtualRouterItem.NatEntry entry) left.NatEntries.Remove(entry.Key);
            else if (item is VirtualRouterItem.FloatingIP floatingIP) left.FloatingIPs.Remove(floatingIP.Address);
        }

        return left;
    }

    /// <summary><paramref name="some"/>, and the <paramref name="items"/> of <paramref name="config"/>.</summary>
    public static DataplaneConfig With(DataplaneConfig some, DataplaneConfig config, IEnumerable<VirtualRouterItem> items)
    {
        var both = Without(some, []);
        foreach (var item in items)
        {
            if (item is VirtualRouterItem.NatEntry entry) both.NatEntries[entry.Key] = config.NatEntries[entry.Key];
            else if (item is VirtualRouterItem.FloatingIP floatingIP) both.FloatingIPs.Add(floatingIP.Address);
        }

        return both;
    }
}
