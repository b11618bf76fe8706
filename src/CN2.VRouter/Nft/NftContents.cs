using System.Globalization;
using System.Net;
using System.Text;
using CN2.Network.Addressing;
using CN2.Network.Compilation;
using CN2.Network.Sequencing;
using CN2.VRouter.Dataplane;

namespace CN2.VRouter.Nft;

/// <summary>
/// What the tables hold, as far as the next transaction needs it: the NAT entries, and how many of them use each shared element. Writing a
/// transaction changes nothing here; <see cref="NftTransaction.Accepted"/> does, when the kernel has accepted it.
/// </summary>
public sealed class NftContents
{
    private readonly Dictionary<NatEntryKey, DataplaneNatEntry> _natEntries;
    private readonly Dictionary<NftSharedElement, int> _shared;
    private readonly HashSet<IPAddress> _floatingIPs;

    /// <summary>The source address of flows that an endpoint begins into a VPN: the FloatingIP that is attached to it one to one there.</summary>
    private readonly FirstClaims<IPAddress> _sources = new(NftOverlay.Endpoints, NftOverlay.EndpointElements, Comparer<IPAddress>.Create(AddressArithmetic.Compare));

    /// <summary>The FloatingIP whose clients are asked about segments of an endpoint without a flow.</summary>
    private readonly FirstClaims<ReplyTarget> _replies = new(NftReplies.RoutedTargets, NftReplies.Elements, Comparer<ReplyTarget>.Default);

    private NftContents(int natEntries)
    {
        _natEntries = new(natEntries);
        _shared = [];
        _floatingIPs = [];
    }

    public IReadOnlyDictionary<NatEntryKey, DataplaneNatEntry> NatEntries => _natEntries;

    public IReadOnlySet<IPAddress> FloatingIPs => _floatingIPs;

    /// <inheritdoc cref="Whole(NftOptions, DataplaneConfig, IReadOnlyCollection{ReplyTarget})"/>
    public static (string Text, NftContents After) Whole(NftOptions options, DataplaneConfig desired) => Whole(options, desired, []);

    /// <summary>One transaction that replaces the tables by the whole configuration, and the contents after it.</summary>
    /// <param name="former">Targets that entries had until a while ago.</param>
    public static (string Text, NftContents After) Whole(NftOptions options, DataplaneConfig desired, IReadOnlyCollection<ReplyTarget> former)
    {
        var after = new NftContents(desired.NatEntries.Count);
        var sections = new NftSections();
        foreach (var natEntry in desired.NatEntries.Values.OrderBy(f => f.Key))
        {
            after._natEntries.Add(natEntry.Key, natEntry);
            foreach (var shared in NftRuleset.SharedElements(natEntry)) after.Count(shared, 1);
            foreach (var element in NftRuleset.Elements(natEntry)) sections.Add(element);
            after._sources.Add(natEntry);
            after._replies.Add(natEntry);
        }

        foreach (var address in desired.FloatingIPs)
        {
            after._floatingIPs.Add(address);
            after.Count(FloatingIP(address), 1);
        }

        var text = new StringBuilder(NftRuleset.Frame(options));
        foreach (var shared in after._shared.Keys.Order(SharedOrder.Instance))
        {
            if (shared.Set == NftSet.Hash) AppendHashChain(text, options.Table, shared);
            sections.Add(NftRuleset.Element(options.Table, shared));
        }

        foreach (var element in after._sources.Elements().Concat(after._replies.Elements()).Concat(former.Select(NftReplies.Former))) sections.Add(element);
        sections.AppendTo(text, "add", options.Table);
        return (text.ToString(), after);
    }

    /// <summary>
    /// The transaction from these contents to <paramref name="desired"/>, for the keys in <paramref name="change"/>; its text is empty if
    /// there is no difference.
    /// </summary>
    /// <param name="formerRoom">How many former targets may be added.</param>
    public NftTransaction Difference(NftOptions options, DataplaneConfig desired, DataplaneChange change, int formerRoom = NftReplies.MostFormer)
    {
        var added = new NftSections();
        var removed = new NftSections();
        var natEntries = new List<(NatEntryKey Key, DataplaneNatEntry? NatEntry)>();
        var judged = new HashSet<NatEntryKey>();
        var arrived = new HashSet<(NatEntryKey, IPAddress)>();
        var counts = new Dictionary<NftSharedElement, int>();
        var sources = new FirstClaims<IPAddress>.Draft();
        var replies = new FirstClaims<ReplyTarget>.Draft();
        var former = new SortedSet<ReplyTarget>();
        foreach (var key in change.NatEntries.Order())
        {
            var before = _natEntries.GetValueOrDefault(key);
            var after = desired.NatEntries.GetValueOrDefault(key);
            if (Equals(before, after)) continue;
            natEntries.Add((key, after));
            if (MayEndFlows(before, after)) judged.Add(key);
            arrived.UnionWith(Arrived(before, after).Select(a => (key, a)));
            var had = before is null ? [] : NftRuleset.Elements(before).ToHashSet();
            var has = after is null ? [] : NftRuleset.Elements(after).ToList();
            foreach (var element in has)
            {
                if (!had.Remove(element)) added.Add(element);
            }

            foreach (var element in had) removed.Add(element);
            _sources.Record(sources, before, after);
            _replies.Record(replies, before, after);
            if (before is not null) former.UnionWith(NftReplies.Targets(before).Except(after is null ? [] : NftReplies.Targets(after)));
            if (before is not null)
            {
                foreach (var shared in NftRuleset.SharedElements(before)) Record(shared, -1);
            }

            if (after is not null)
            {
                foreach (var shared in NftRuleset.SharedElements(after)) Record(shared, 1);
            }
        }

        var floatingIPs = new List<(IPAddress Address, bool Present)>();
        foreach (var address in change.FloatingIPs)
        {
            var present = desired.FloatingIPs.Contains(address);
            if (present == _floatingIPs.Contains(address)) continue;
            floatingIPs.Add((address, present));
            Record(FloatingIP(address), present ? 1 : -1);
        }

        var text = new StringBuilder();
        var freed = new HashSet<FloatingIPPlace>();
        foreach (var (shared, by) in counts.OrderBy(c => c.Key, SharedOrder.Instance))
        {
            var known = _shared.TryGetValue(shared, out var before);
            if (shared.Set == NftSet.Hash)
            {
                // A chain stays when its last user is removed, for the next one. A replaced table has only the chains that it needs.
                if (known || by <= 0) continue;
                AppendHashChain(text, options.Table, shared);
                added.Add(NftRuleset.Element(options.Table, shared));
            }
            else if (before == 0 && by > 0)
            {
                added.Add(NftRuleset.Element(options.Table, shared));
            }
            else if (before > 0 && before + by == 0)
            {
                removed.Add(NftRuleset.Element(options.Table, shared));
                if (IsGuard(shared)) freed.Add(PlaceOf(shared));
            }
        }

        foreach (var (gone, come) in ((List<NftElement>, List<NftElement>)[])[_sources.Difference(sources), _replies.Difference(replies)])
        {
            foreach (var element in gone) removed.Add(element);
            foreach (var element in come) added.Add(element);
        }

        var remembered = former.Take(formerRoom).ToList();
        foreach (var target in remembered) added.Add(NftReplies.Former(target));

        removed.AppendTo(text, "delete", options.Table);
        added.AppendTo(text, "add", options.Table);
        return new NftTransaction(text.ToString(), freed, judged, arrived, remembered, () =>
        {
            foreach (var (key, natEntry) in natEntries)
            {
                if (natEntry is null) _natEntries.Remove(key);
                else _natEntries[key] = natEntry;
            }

            foreach (var (address, present) in floatingIPs)
            {
                if (present) _floatingIPs.Add(address);
                else _floatingIPs.Remove(address);
            }

            foreach (var (shared, by) in counts) Count(shared, by);
            _sources.Accept(sources);
            _replies.Accept(replies);
        });

        void Record(NftSharedElement shared, int by) => counts[shared] = counts.GetValueOrDefault(shared) + by;
    }

    /// <summary>The items of a change that really differ; removals first, because they may make room for the others.</summary>
    internal IReadOnlyList<VirtualRouterItem> Differing(DataplaneConfig desired, DataplaneChange change)
    {
        var items = new List<VirtualRouterItem>();
        foreach (var key in change.NatEntries.Order())
        {
            if (!Equals(_natEntries.GetValueOrDefault(key), desired.NatEntries.GetValueOrDefault(key))) items.Add(new VirtualRouterItem.NatEntry(key));
        }

        foreach (var address in change.FloatingIPs)
        {
            if (desired.FloatingIPs.Contains(address) != _floatingIPs.Contains(address)) items.Add(new VirtualRouterItem.FloatingIP(address));
        }

        return [.. items.OrderBy(i => NftSelection.IsIn(desired, i))];
    }

    /// <summary>The addresses whose unmapped ports are dropped: FloatingIPs, and those of NAT entries.</summary>
    public IEnumerable<FloatingIPPlace> GuardedAddresses() => _shared.Keys.Where(IsGuard).Select(PlaceOf);

    /// <summary>The entries of FloatingIPs whose clients are asked about segments of this target.</summary>
    internal IReadOnlyCollection<NatEntryKey> RepliesOf(ReplyTarget target) => _replies.Of(target);

    /// <summary>Whether the address is in the drop set; in a RoutingInstance: whether there is an entry for it.</summary>
    public bool Guards(FloatingIPPlace place) => _shared.ContainsKey(place.RoutingInstance == 0
        ? FloatingIP(place.Address)
        : new NftSharedElement(place.Address.FamilyOf(), NftSet.VpnFloatingIPs, place.Address, place.RoutingInstance));

    // A new entry too: its clients may have flows from before, which are tracked as untranslated.
    private static bool MayEndFlows(DataplaneNatEntry? before, DataplaneNatEntry? after) =>
        before is null || after is null
        || !before.SourceRanges.Equals(after.SourceRanges)
        || before.Backends.Any(b => !after.Backends.Contains(b))
        || before.Draining.Any(b => !after.Backends.Contains(b) && !after.Draining.Contains(b));

    /// <summary>The endpoints that were on another node before.</summary>
    private static IEnumerable<IPAddress> Arrived(DataplaneNatEntry? before, DataplaneNatEntry? after)
    {
        if (before is null || after is null) return [];
        var elsewhere = before.Backends.Where(b => !b.Local).Select(b => b.Address).ToHashSet();
        return after.Backends.Where(b => b.Local && elsewhere.Contains(b.Address)).Select(b => b.Address);
    }

    private static NftSharedElement FloatingIP(IPAddress address) => new(address.FamilyOf(), NftSet.FloatingIPs, address, 0);

    private static bool IsGuard(NftSharedElement shared) => shared.Set is NftSet.FloatingIPs or NftSet.VpnFloatingIPs;

    private static FloatingIPPlace PlaceOf(NftSharedElement guard) => new(guard.Number, guard.Address!);

    private void Count(NftSharedElement shared, int by)
    {
        var count = _shared.GetValueOrDefault(shared) + by;
        if (count == 0 && shared.Set != NftSet.Hash) _shared.Remove(shared);
        else if (count != 0 || _shared.ContainsKey(shared)) _shared[shared] = count;
    }

    private static void AppendHashChain(StringBuilder text, string table, NftSharedElement shared) => text.Append(
        CultureInfo.InvariantCulture,
        $"table {NftRuleset.Keyword(shared.Family)} {table} {{\n  chain {NftRuleset.HashChain(shared.Number)} {{\n    {NftRuleset.HashRule(shared.Family, shared.Number)}\n  }}\n}}\n");
}
