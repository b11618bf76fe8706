using System.Globalization;
using System.Net;
using System.Text;
using CN2.Network.Addressing;
using CN2.Network.Collections;
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
    private readonly HashSet<IPNetwork> _inside;

    /// <summary>The source address of flows that an endpoint begins into a VPN: the FloatingIP that is attached to it one to one there.</summary>
    private readonly EntryClaims<IPAddress> _sources = new(NftOverlay.Endpoints, static (e, k, _) => NftOverlay.EndpointElements(e, k), Comparer<IPAddress>.Create(AddressArithmetic.Compare));

    /// <summary>What segments of an endpoint that belong to no flow are from.</summary>
    private readonly EntryClaims<ReplyTarget> _replies = new(NftReplies.Targets, NftReplies.Elements, Comparer<ReplyTarget>.Default);

    private NftContents(int natEntries)
    {
        _natEntries = new(natEntries);
        _shared = [];
        _floatingIPs = [];
        _inside = [];
    }

    public IReadOnlyDictionary<NatEntryKey, DataplaneNatEntry> NatEntries => _natEntries;

    public IReadOnlySet<IPAddress> FloatingIPs => _floatingIPs;

    /// <inheritdoc cref="DataplaneConfig.Inside"/>
    public IReadOnlySet<IPNetwork> Inside => _inside;

    /// <summary>One transaction that replaces the tables by the whole configuration, and the contents after it.</summary>
    public static (string Text, NftContents After) Whole(NftOptions options, DataplaneConfig desired)
    {
        var after = Of(desired);
        return (after.Text(options), after);
    }

    /// <summary>The contents of tables that hold exactly this configuration.</summary>
    public static NftContents Of(DataplaneConfig desired)
    {
        var contents = new NftContents(desired.NatEntries.Count);
        foreach (var natEntry in desired.NatEntries.Values)
        {
            contents._natEntries.Add(natEntry.Key, natEntry);
            foreach (var shared in NftRuleset.SharedElements(natEntry)) contents.Count(shared, 1);
            contents._sources.Add(natEntry);
            contents._replies.Add(natEntry);
        }

        foreach (var address in desired.FloatingIPs)
        {
            contents._floatingIPs.Add(address);
            contents.Count(FloatingIP(address), 1);
        }

        foreach (var network in desired.Inside)
        {
            contents._inside.Add(network);
            contents.Count(NftReplies.Inside(network), 1);
        }

        return contents;
    }

    /// <summary>One transaction that replaces the tables by these contents.</summary>
    public string Text(NftOptions options)
    {
        var text = new StringBuilder(NftRuleset.Frame(options));
        AppendHashChains(text, options.Table, NftRuleset.Families, "");
        var sections = new NftSections();
        foreach (var element in Elements(options.Table)) sections.Add(element);
        sections.AppendTo(text, "add", options.Table);
        return text.ToString();
    }

    /// <summary>
    /// One transaction that makes these tables, dormant and with the elements that are not encoded (<see cref="NftEncoding"/>). There must be none.
    /// </summary>
    internal string Rules(NftOptions options, IReadOnlyList<IPFamily> families)
    {
        var text = new StringBuilder();
        foreach (var family in families) text.Append(NftRuleset.DormantFrame(options, family));
        AppendHashChains(text, options.Table, families, NftRuleset.Dormant);
        var sections = new NftSections();
        foreach (var shared in _shared.Keys.Where(s => !NftEncoding.Knows(s.Set) && families.Contains(s.Family)).Order(SharedOrder.Instance))
            sections.Add(NftRuleset.Element(options.Table, shared));
        sections.AppendTo(text, "add", options.Table);
        return text.ToString();
    }

    /// <summary>All elements; those of a set are in order.</summary>
    internal IEnumerable<NftElement> Elements(string table) =>
        _natEntries.Values.OrderBy(e => e.Key).SelectMany(NftRuleset.Elements)
            .Concat(_shared.Keys.Order(SharedOrder.Instance).Select(s => NftRuleset.Element(table, s)))
            .Concat(_sources.Elements())
            .Concat(_replies.Elements());

    /// <summary>
    /// The transaction from these contents to <paramref name="desired"/>, for the keys in <paramref name="change"/>; its text is empty if
    /// there is no difference.
    /// </summary>
    public NftTransaction Difference(NftOptions options, DataplaneConfig desired, DataplaneChange change)
    {
        var added = new NftSections();
        var removed = new NftSections();
        var natEntries = new List<(NatEntryKey Key, DataplaneNatEntry? NatEntry)>();
        var judged = new HashSet<NatEntryKey>();
        var returned = new HashSet<(NatEntryKey, IPAddress)>();
        var timed = new NftSections();
        var counts = new Dictionary<NftSharedElement, int>();
        var sources = new EntryClaims<IPAddress>.Draft();
        var replies = new EntryClaims<ReplyTarget>.Draft();
        foreach (var key in change.NatEntries.Order())
        {
            var before = _natEntries.GetValueOrDefault(key);
            var after = desired.NatEntries.GetValueOrDefault(key);
            if (Equals(before, after)) continue;
            natEntries.Add((key, after));
            if (MayEndFlows(before, after)) judged.Add(key);
            returned.UnionWith(Returned(before, after).Select(a => (key, a)));
            if (after is not null && desired.Inside.Count > 0 && NftMidway.Settles(before, after)) timed.Add(NftMidway.SettlingElement(key));
            var had = before is null ? [] : NftRuleset.Elements(before).ToHashSet();
            var has = after is null ? [] : NftRuleset.Elements(after).ToList();
            foreach (var element in has)
            {
                if (!had.Remove(element)) added.Add(element);
            }

            foreach (var element in had) removed.Add(element);
            _sources.Record(sources, before, after);
            _replies.Record(replies, before, after);
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

        var inside = new List<(IPNetwork Network, bool Present)>();
        foreach (var network in change.Inside)
        {
            var present = desired.Inside.Contains(network);
            if (present == _inside.Contains(network)) continue;
            inside.Add((network, present));
            Record(NftReplies.Inside(network), present ? 1 : -1);
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
                AppendHashChain(text, options.Table, shared, "");
                added.Add(NftRuleset.Element(options.Table, shared));
            }
            else if (before == 0 && by > 0)
            {
                added.Add(NftRuleset.Element(options.Table, shared));
                if (NftMidway.OtherPlace(shared) is { } was && _shared.ContainsKey(was)) timed.Add(NftMidway.RelocatedElement(shared));
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

        removed.AppendTo(text, "delete", options.Table);
        added.AppendTo(text, "add", options.Table);
        // Adding an element that is there would not renew its time.
        foreach (var verb in (string[])["add", "delete", "add"]) timed.AppendTo(text, verb, options.Table);
        return new NftTransaction(text.ToString(), freed, judged, returned, () =>
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

            foreach (var (network, present) in inside)
            {
                if (present) _inside.Add(network);
                else _inside.Remove(network);
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

    /// <summary>The endpoints that are on this node.</summary>
    public IEnumerable<IPAddress> Endpoints() => _shared.Keys.Where(s => s.Set == NftSet.Endpoints).Select(s => s.Address!);

    /// <summary>Whether the address is in the drop set; in a RoutingInstance: whether there is an entry for it.</summary>
    public bool Guards(FloatingIPPlace place) => _shared.ContainsKey(place.RoutingInstance == 0
        ? FloatingIP(place.Address)
        : new NftSharedElement(place.Address.FamilyOf(), NftSet.VpnFloatingIPs, place.Address, place.RoutingInstance));

    /// <summary>The entries that segments of this target may be from.</summary>
    internal IReadOnlyCollection<NatEntryKey> RepliesOf(ReplyTarget target) => _replies.Of(target);

    /// <summary>Surely outside: not where it is unknown what is inside.</summary>
    internal bool IsOutside(IPAddress address) => _inside.Count > 0 && !_inside.Contains(EndpointNetwork.Of(address)) && !_inside.Contains(EndpointNetwork.OfNode(address));

    // A new entry too, and one with an endpoint that has come: clients may have flows from before, which are tracked as untranslated.
    private static bool MayEndFlows(DataplaneNatEntry? before, DataplaneNatEntry? after) =>
        before is null || after is null
        || !before.SourceRanges.Equals(after.SourceRanges)
        || NftReplies.Arrived(before, after).Any()
        || before.Backends.Any(b => !Has(after.Backends, b))
        || before.Draining.Any(b => !Has(after.Backends, b) && !Has(after.Draining, b));

    /// <summary>With whatever weight: it is about new flows.</summary>
    private static bool Has(EquatableList<DataplaneBackend> backends, DataplaneBackend backend)
    {
        foreach (var other in backends)
            if (other with { Weight = backend.Weight } == backend) return true;
        return false;
    }

    /// <summary>The endpoints that were on another node before.</summary>
    private static IEnumerable<IPAddress> Returned(DataplaneNatEntry? before, DataplaneNatEntry? after)
    {
        if (before is null || after is null) return [];
        var elsewhere = before.Backends.Where(b => !b.Local).Select(b => b.Address).ToHashSet();
        return NftReplies.Arrived(before, after).Where(elsewhere.Contains);
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

    private void AppendHashChains(StringBuilder text, string table, IReadOnlyList<IPFamily> families, string flags)
    {
        foreach (var shared in _shared.Keys.Where(s => s.Set == NftSet.Hash && families.Contains(s.Family)).Order(SharedOrder.Instance))
            AppendHashChain(text, table, shared, flags);
    }

    private static void AppendHashChain(StringBuilder text, string table, NftSharedElement shared, string flags) => text.Append(
        CultureInfo.InvariantCulture,
        $"table {NftRuleset.Keyword(shared.Family)} {table} {{{flags}\n  chain {NftRuleset.HashChain(shared.Number)} {{\n    {NftRuleset.HashRule(shared.Family, shared.Number)}\n  }}\n}}\n");
}
