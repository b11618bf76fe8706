using CN2.Network.Collections;
using CN2.Network.Compilation;

namespace CN2.Network.Sequencing;

/// <summary>
/// Collects the changes for the vRouters until they are taken. A change for every vRouter is kept once, however many there are. A vRouter that
/// is changed by name has a table of its own, which counts for the keys in it. What is there for some vRouters may be taken before the rest: changes are numbered,
/// and what a vRouter was given has lower numbers than what it is given next.
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

    /// <summary>The changes for every vRouter in their order. Those of a key but the last are outdated.</summary>
    private readonly List<(NatEntryKey Key, long Number)> _log = [];

    /// <summary>So many changes of <see cref="_log"/> were given already → the rest. One object for all vRouters that get it.</summary>
    private readonly Dictionary<int, NatEntryChanges> _rests = [];
    private long _excepted;

    /// <summary>Of the last change.</summary>
    private long _number;

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
        Set(own, entry.Key, new Change(owner, entry, ++_number));
    }

    /// <summary>A key that another owner has taken over in the same flush (a node port, a freed address) stays, whichever owner comes first.</summary>
    public void Remove(string virtualRouter, Guid owner, NatEntryKey key)
    {
        var own = TableOf(virtualRouter);
        own.Owners.Add(owner);
        if (!IsPutByOther(virtualRouter, owner, key)) Set(own, key, new Change(owner, null, ++_number));
    }

    /// <summary>As <see cref="Put"/>, on every vRouter but <paramref name="except"/>.</summary>
    public void PutElsewhere(IReadOnlyCollection<string> except, Guid owner, VirtualRouterNatEntry entry) => SetElsewhere(except, entry.Key, new Change(owner, entry, ++_number));

    /// <summary>As <see cref="Remove"/>, on every vRouter but <paramref name="except"/>.</summary>
    public void RemoveElsewhere(IReadOnlyCollection<string> except, Guid owner, NatEntryKey key) => SetElsewhere(except, key, new Change(owner, null, ++_number));

    /// <summary>All that is there. Nothing may be collected afterwards: what a vRouter gets is put together when it is asked for.</summary>
    public NatEntryChangeSet Take(CommonChanges common)
    {
        var everywhere = HasEverywhere ? new Lazy<NatEntryChanges>(() => Since(0)) : null;
        var different = new Dictionary<string, NatEntryChangeSet.Part>(_tables.Count);
        foreach (var (name, own) in _tables) different[name] = PartOf(own, HasAny(own) && !isBeforeWholes ? new Lazy<NatEntryChanges>(() => Merge(name, own, common)) : null);
        return new NatEntryChangeSet(everywhere, _everywhere.Owners, different);
    }

    /// <summary>All that is there for these vRouters. The others get it later, and these get then what came meanwhile.</summary>
    /// <param name="virtualRouters">Their names.</param>
    /// <param name="getsDelta">The changes of the vRouter will be asked for; what others get is only counted as taken.</param>
    /// <param name="common">How they get what is for every vRouter.</param>
    public NatEntryChangeSet TakeFor(IReadOnlyCollection<string> virtualRouters, Predicate<string> getsDelta, CommonChanges common)
    {
        if (isBeforeWholes) throw new InvalidOperationException("What is in the wholes is taken for all vRouters.");
        var different = new Dictionary<string, NatEntryChangeSet.Part>(virtualRouters.Count);
        foreach (var name in virtualRouters)
        {
            var own = TableOf(name);
            different[name] = PartOf(own, getsDelta(name) && HasAny(own) ? new Lazy<NatEntryChanges>(Merge(name, own, common)) : null);
            own.WasTaken(_number, _log.Count);
        }

        _rests.Clear();
        return new NatEntryChangeSet(null, [.. _everywhere.Owners], different);
    }

    private NatEntryChangeSet.Part PartOf(Table own, Lazy<NatEntryChanges>? changes) => new(HasAny(own), _everywhere.Newest > own.Taken, own.Owners, changes);

    private bool HasAny(Table own) =>
        own.Owners.Count > 0 || (isBeforeWholes ? HasEverywhere : own.Taken == 0 ? _everywhere.Changes.Count > own.KeysOfEverywhere : _everywhere.Newest > own.Taken);

    /// <summary>What came for the vRouter since it was last given something.</summary>
    private NatEntryChanges Merge(string virtualRouter, Table own, CommonChanges common)
    {
        if (_log.Count - own.TakenOfLog - own.Changes.Count >= common.SharedFrom) return Differing(virtualRouter, own, common);
        var changes = new Builder(own.Changes.Count);
        foreach (var (key, change) in own.Changes)
            if (change?.Number > own.Taken) changes.Add(key, change.Value.Entry);
        // Mostly all of them are in its own table too.
        if (own.KeysOfEverywhere == _everywhere.Changes.Count) return changes.Of(common: null);
        foreach (var (key, change) in EverywhereSince(own.TakenOfLog))
            if (!own.Changes.ContainsKey(key)) changes.Add(key, change.Entry);
        return changes.Of(common: null);
    }

    /// <summary>The same as a difference from what is for every vRouter.</summary>
    private NatEntryChanges Differing(string virtualRouter, Table own, CommonChanges common)
    {
        var changes = new Builder(own.Changes.Count);
        foreach (var (key, change) in own.Changes)
        {
            Change? everywhere = _everywhere.Changes.TryGetValue(key, out var any) && any?.Number > own.Taken ? any : null;
            if (change?.Number > own.Taken || (change is not null && everywhere is not null)) changes.Add(key, change.Value.Entry);
            else if (change is null && everywhere is { } other) changes.Add(key, common.EntryOn(virtualRouter, other.Owner, key));
        }

        return changes.Of(Since(own.TakenOfLog));
    }

    private NatEntryChanges Since(int ofLog)
    {
        if (_rests.TryGetValue(ofLog, out var rest)) return rest;
        var changes = new Builder(_log.Count - ofLog);
        foreach (var (key, change) in EverywhereSince(ofLog)) changes.Add(key, change.Entry);
        return _rests[ofLog] = changes.Of(common: null);
    }

    /// <summary>The changes for every vRouter from there on in <see cref="_log"/>, of each key the last one.</summary>
    private IEnumerable<(NatEntryKey Key, Change Change)> EverywhereSince(int ofLog)
    {
        for (var i = ofLog; i < _log.Count; i++)
        {
            var (key, number) = _log[i];
            if (_everywhere.Changes[key] is { } change && change.Number == number) yield return (key, change);
        }
    }

    private void SetElsewhere(IReadOnlyCollection<string> except, NatEntryKey key, Change change)
    {
        _everywhere.Owners.Add(change.Owner);
        _everywhere.Newest = change.Number;
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
            if (before is { } kept && kept.Number > own.Taken) own.Owners.Add(kept.Owner); // what it was given already is awaited already
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
        _log.Add((key, change.Number));
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
    /// <param name="Number">Later changes have higher ones.</param>
    private readonly record struct Change(Guid Owner, VirtualRouterNatEntry? Entry, long Number);

    private readonly struct Builder(int capacity)
    {
        private readonly List<VirtualRouterNatEntry> _put = new(capacity);
        private readonly List<NatEntryKey> _removed = [];

        public NatEntryChanges Of(NatEntryChanges? common) => new(_put, _removed, common);

        /// <param name="entry">Null: the entry is removed.</param>
        public void Add(NatEntryKey key, VirtualRouterNatEntry? entry)
        {
            if (entry is not null) _put.Add(entry);
            else _removed.Add(key);
        }
    }

    private sealed class Table
    {
        /// <summary>Null, in the table of a vRouter: nothing changes there, although it does on others.</summary>
        public Dictionary<NatEntryKey, Change?> Changes { get; } = [];

        /// <summary>Of a vRouter's own table: of what was not taken yet.</summary>
        public HashSet<Guid> Owners { get; private set; } = [];

        /// <summary>Of the table for every vRouter: the number of the last change.</summary>
        public long Newest { get; set; }

        /// <summary>Of a vRouter's own table: what came up to the change of this number was taken; 0: nothing.</summary>
        public long Taken { get; private set; }

        /// <summary>Of a vRouter's own table: so many changes for every vRouter were taken with it, the outdated ones counted.</summary>
        public int TakenOfLog { get; private set; }

        /// <summary>The last change elsewhere that left this vRouter out.</summary>
        public long Excepted { get; set; }

        /// <summary>Of a vRouter's own table: how many of its keys are changed everywhere too.</summary>
        public int KeysOfEverywhere { get; set; }

        public void WasTaken(long number, int ofLog)
        {
            (Taken, TakenOfLog) = (number, ofLog);
            Owners = [];
        }
    }
}
