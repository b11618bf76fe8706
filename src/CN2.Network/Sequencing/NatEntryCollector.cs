using CN2.Network.Collections;
using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>
/// Collects the changes for the vRouters until they are taken. A change for every vRouter is kept once, however many there are. A vRouter that
/// is changed by name has a table of its own, which counts for the keys in it. What is there for some vRouters may be taken before the rest: changes are counted in
/// periods, and what a vRouter was given belongs to earlier periods than what it is given next.
/// </summary>
/// <param name="isBeforeWholes">
/// No vRouter was sent anything yet, and what is collected here is part of the whole that each gets first: only the owners are collected, which wait for it. The entries
/// of 100,000 owners would be collected for nothing. <see cref="TakeFor"/> may not be called.
/// </param>
internal sealed class NatEntryCollector(bool isBeforeWholes = false)
{
    private readonly Table _everywhere = new();
    private readonly Dictionary<string, Table> _tables = [];

    /// <summary>Key → the vRouters' own tables that have it.</summary>
    private readonly MultiMap<NatEntryKey, Table> _tablesWith = new();
    private long _excepted;
    private long _period = 1;

    /// <summary>Something is to be sent to the vRouter.</summary>
    public bool HasAny(string virtualRouter) => _tables.TryGetValue(virtualRouter, out var own) ? HasAny(own) : HasEverywhere;

    /// <summary>Something is to be sent to vRouters that are not told apart.</summary>
    public bool HasEverywhere => _everywhere.Owners.Count > 0;

    /// <summary>The owners of what is to be sent to vRouters that are not told apart.</summary>
    public IReadOnlySet<Guid> OwnersEverywhere => _everywhere.Owners;

    /// <summary>A change for every vRouter is one in a RoutingInstance.</summary>
    public bool ReachesVpns { get; private set; }

    /// <summary>The vRouters that were changed by name, and not taken since.</summary>
    public IEnumerable<string> ChangedByName => _tables.Where(t => t.Value.Owners.Count > 0).Select(t => t.Key);

    /// <summary>Another owner puts an entry of this key on the vRouter.</summary>
    public bool IsPutByOther(string virtualRouter, Guid owner, NatEntryKey key) =>
        IsPutByOther(_tables.TryGetValue(virtualRouter, out var own) && own.Changes.ContainsKey(key) ? own : _everywhere, owner, key);

    public void Put(string virtualRouter, Guid owner, VirtualRouterNatEntry entry)
    {
        var own = TableOf(virtualRouter);
        own.Owners.Add(owner);
        Set(own, entry.Key, new Change(owner, entry, _period));
    }

    /// <summary>A key that another owner has taken over in the same flush (a node port, a freed address) stays, whichever owner comes first.</summary>
    public void Remove(string virtualRouter, Guid owner, NatEntryKey key)
    {
        var own = TableOf(virtualRouter);
        own.Owners.Add(owner);
        if (!IsPutByOther(virtualRouter, owner, key)) Set(own, key, new Change(owner, null, _period));
    }

    /// <summary>As <see cref="Put"/>, on every vRouter but <paramref name="except"/>.</summary>
    public void PutElsewhere(IReadOnlyCollection<string> except, Guid owner, VirtualRouterNatEntry entry) => SetElsewhere(except, entry.Key, new Change(owner, entry, _period));

    /// <summary>As <see cref="Remove"/>, on every vRouter but <paramref name="except"/>.</summary>
    public void RemoveElsewhere(IReadOnlyCollection<string> except, Guid owner, NatEntryKey key) => SetElsewhere(except, key, new Change(owner, null, _period));

    /// <summary>All that is there. Nothing may be collected afterwards: what a vRouter gets is put together when it is asked for.</summary>
    public NatEntryChangeSet Take()
    {
        var everywhere = HasEverywhere ? new Lazy<NatEntryChanges>(MergeEverywhere) : null;
        var different = new Dictionary<string, NatEntryChangeSet.Part>(_tables.Count);
        foreach (var (name, own) in _tables) different[name] = PartOf(own, HasAny(own) && !isBeforeWholes ? new Lazy<NatEntryChanges>(() => Merge(own)) : null);
        return new NatEntryChangeSet(everywhere, _everywhere.Owners, different);
    }

    /// <summary>All that is there for these vRouters. The others get it later, and these get then what came meanwhile.</summary>
    /// <param name="virtualRouters">Their names.</param>
    /// <param name="getsDelta">The changes of the vRouter will be asked for; what others get is only counted as taken.</param>
    public NatEntryChangeSet TakeFor(IReadOnlyCollection<string> virtualRouters, Predicate<string> getsDelta)
    {
        if (isBeforeWholes) throw new InvalidOperationException("What is in the wholes is taken for all vRouters.");
        var different = new Dictionary<string, NatEntryChangeSet.Part>(virtualRouters.Count);
        foreach (var name in virtualRouters)
        {
            var own = TableOf(name);
            different[name] = PartOf(own, getsDelta(name) && HasAny(own) ? new Lazy<NatEntryChanges>(Merge(own)) : null);
            own.WasTaken(_period);
        }

        _period++;
        return new NatEntryChangeSet(null, [.. _everywhere.Owners], different);
    }

    private NatEntryChangeSet.Part PartOf(Table own, Lazy<NatEntryChanges>? changes) => new(HasAny(own), _everywhere.Newest > own.Taken, own.Owners, changes);

    private bool HasAny(Table own) =>
        own.Owners.Count > 0 || (isBeforeWholes ? HasEverywhere : own.Taken == 0 ? _everywhere.Changes.Count > own.KeysOfEverywhere : _everywhere.Newest > own.Taken);

    /// <summary>What came for the vRouter since it was last given something.</summary>
    private NatEntryChanges Merge(Table own)
    {
        var changes = new Builder(own.Changes.Count);
        foreach (var (key, change) in own.Changes) changes.Add(key, change, own.Taken);
        // Mostly all of them are in its own table too.
        if (_everywhere.Newest <= own.Taken || own.KeysOfEverywhere == _everywhere.Changes.Count) return changes.Result;
        foreach (var (key, change) in _everywhere.Changes)
            if (!own.Changes.ContainsKey(key)) changes.Add(key, change, own.Taken);
        return changes.Result;
    }

    private NatEntryChanges MergeEverywhere()
    {
        var changes = new Builder(_everywhere.Changes.Count);
        foreach (var (key, change) in _everywhere.Changes) changes.Add(key, change, after: 0);
        return changes.Result;
    }

    private void SetElsewhere(IReadOnlyCollection<string> except, NatEntryKey key, Change change)
    {
        _everywhere.Owners.Add(change.Owner);
        _everywhere.Newest = _period;
        ReachesVpns |= key.RoutingInstance != 0;
        if (isBeforeWholes) return;
        var before = _everywhere.Changes.GetValueOrDefault(key);
        _excepted++;
        foreach (var virtualRouter in except)
        {
            var own = TableOf(virtualRouter);
            own.Excepted = _excepted;
            if (own.Changes.ContainsKey(key)) continue;
            Set(own, key, before);
            if (before is { } kept && kept.Period > own.Taken) own.Owners.Add(kept.Owner); // what it was given already is awaited already
        }

        foreach (var own in _tablesWith[key])
        {
            if (own.Excepted == _excepted || IsOvertaken(own, key, change)) continue;
            own.Changes[key] = change;
            own.Owners.Add(change.Owner);
        }

        if (IsOvertaken(_everywhere, key, change)) return;
        if (!_everywhere.Changes.ContainsKey(key)) foreach (var own in _tablesWith[key]) own.KeysOfEverywhere++;
        _everywhere.Changes[key] = change;
    }

    private static bool IsOvertaken(Table table, NatEntryKey key, Change change) => change.Entry is null && IsPutByOther(table, change.Owner, key);

    private static bool IsPutByOther(Table table, Guid owner, NatEntryKey key) =>
        table.Changes.GetValueOrDefault(key) is { Entry: not null } change && change.Owner != owner;

    private void Set(Table own, NatEntryKey key, Change? change)
    {
        if (isBeforeWholes) return;
        if (own.Changes.TryAdd(key, change))
        {
            _tablesWith.Add(key, own);
            if (_everywhere.Changes.ContainsKey(key)) own.KeysOfEverywhere++;
        }
        else
        {
            own.Changes[key] = change;
        }
    }

    private Table TableOf(string virtualRouter)
    {
        if (!_tables.TryGetValue(virtualRouter, out var table)) _tables[virtualRouter] = table = new Table();
        return table;
    }

    /// <param name="Entry">Null: the entry is removed.</param>
    /// <param name="Period">In which it came.</param>
    private readonly record struct Change(Guid Owner, VirtualRouterNatEntry? Entry, long Period);

    private readonly struct Builder(int capacity)
    {
        private readonly List<VirtualRouterNatEntry> _put = new(capacity);
        private readonly List<NatEntryKey> _removed = [];

        public NatEntryChanges Result => new(_put, _removed);

        /// <param name="after">Changes of later periods only.</param>
        public void Add(NatEntryKey key, Change? change, long after)
        {
            if (change is not { } c || c.Period <= after) return;
            if (c.Entry is { } entry) _put.Add(entry);
            else _removed.Add(key);
        }
    }

    private sealed class Table
    {
        /// <summary>Null, in the table of a vRouter: nothing changes there, although it does on others.</summary>
        public Dictionary<NatEntryKey, Change?> Changes { get; } = [];

        /// <summary>Of a vRouter's own table: of what was not taken yet.</summary>
        public HashSet<Guid> Owners { get; private set; } = [];

        /// <summary>Of the table for every vRouter: the last period with a change.</summary>
        public long Newest { get; set; }

        /// <summary>Of a vRouter's own table: what came until the end of this period was taken; 0: nothing.</summary>
        public long Taken { get; private set; }

        /// <summary>The last change elsewhere that left this vRouter out.</summary>
        public long Excepted { get; set; }

        /// <summary>Of a vRouter's own table: how many of its keys are changed everywhere too.</summary>
        public int KeysOfEverywhere { get; set; }

        public void WasTaken(long period)
        {
            Taken = period;
            Owners = [];
        }
    }
}
