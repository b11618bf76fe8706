using CN2.Network.Collections;
using CN2.Network.Compilation;

namespace CN2.Api.Reconcile;

/// <summary>
/// The announcement rows of this control node: how they read in the database, and how they must read. A row stands before the first route
/// of a FloatingIP is handed to the speaker. Its paths leave it after the speaker has withdrawn them. With other replicas it stays, empty,
/// until the vRouters here have dropped the entries; without, it goes with its last path (<c>docs/adr/0004-advertisements-are-rows.md</c>).
/// Touched by the <see cref="SpeakerWorker"/>'s task only.
/// </summary>
internal sealed class AnnouncementRows
{
    /// <summary>A set is never changed, and rows share one: those of FloatingIPs with endpoints on the same vRouters name the same paths.</summary>
    private readonly Dictionary<Guid, HashSet<RouteKey>> _saved = [];
    private readonly SharedValues<HashSet<RouteKey>> _sets = new(HashSet<RouteKey>.CreateSetComparer(), s => s.Count);

    /// <summary>Rows that must read differently; null: the row must go.</summary>
    private readonly Dictionary<Guid, IReadOnlyCollection<RouteKey>?> _due = [];

    /// <summary>Rows of a call that failed: whether it was carried out is not known. Until the next one succeeds they count as standing, but nothing relies on it.</summary>
    private readonly HashSet<Guid> _doubtful = [];

    /// <summary>Rows in which a path has another number than the database reads: they are written also when they name the same paths.</summary>
    private readonly HashSet<Guid> _renumbered = [];

    /// <summary>Other replicas are alive and wait for these rows.</summary>
    public bool HasReaders { get; set; }

    /// <summary>The control node announces something, or may announce it.</summary>
    public bool HasPaths => _saved.Values.Any(paths => paths.Count > 0);

    /// <summary>The rows as they read in the database.</summary>
    public IReadOnlyDictionary<Guid, IReadOnlyCollection<RouteKey>?> Saved => _saved.ToDictionary(r => r.Key, r => (IReadOnlyCollection<RouteKey>?)r.Value);

    /// <summary>The rows to write, as a copy; null: the row must go.</summary>
    public IReadOnlyDictionary<Guid, IReadOnlyCollection<RouteKey>?> Due => new Dictionary<Guid, IReadOnlyCollection<RouteKey>?>(_due);

    public void Load(IReadOnlyCollection<SavedAnnouncement> rows)
    {
        _saved.Clear();
        _due.Clear();
        _doubtful.Clear();
        _renumbered.Clear();
        _saved.EnsureCapacity(rows.Count);
        var read = new Dictionary<object, HashSet<RouteKey>>(ReferenceEqualityComparer.Instance);
        foreach (var row in rows)
        {
            if (!read.TryGetValue(row.Paths, out var paths)) read[row.Paths] = paths = _sets.Of([.. row.Paths.Keys]);
            _saved[row.FloatingIP] = paths;
        }
    }

    /// <summary>The rows to write before these routes may be announced.</summary>
    public IReadOnlyDictionary<Guid, IReadOnlyCollection<RouteKey>?> Missing(IEnumerable<FloatingIPRoute> announce)
    {
        var missing = new Dictionary<Guid, IReadOnlyCollection<RouteKey>?>();
        foreach (var group in announce.GroupBy(r => r.FloatingIP, r => r.Path))
        {
            var saved = _saved.GetValueOrDefault(group.Key);
            // A withdrawal that is not saved yet must not take out a path that is announced again.
            if (_due.TryGetValue(group.Key, out var due)) SetDue(group.Key, (due ?? []).Union(group).ToList());
            if (saved is null || _doubtful.Contains(group.Key) || _renumbered.Contains(group.Key) || !saved.IsSupersetOf(group)) missing[group.Key] = [.. (saved ?? []).Union(group)];
        }

        return missing;
    }

    /// <summary>The rows of <see cref="Missing"/> are written, but for the FloatingIPs that do not exist any more.</summary>
    public void WereAdded(IReadOnlyDictionary<Guid, IReadOnlyCollection<RouteKey>?> rows, IReadOnlySet<Guid> standing)
    {
        foreach (var (floatingIP, paths) in rows)
        {
            _doubtful.Remove(floatingIP);
            _renumbered.Remove(floatingIP);
            if (standing.Contains(floatingIP)) _saved[floatingIP] = _sets.Of([.. paths!]);
            else _saved.Remove(floatingIP);
            if (!standing.Contains(floatingIP)) _due.Remove(floatingIP);
            else if (_due.TryGetValue(floatingIP, out var due)) SetDue(floatingIP, due);
        }
    }

    /// <summary>A call that was to write these rows failed; the database may have carried it out, or may still do so.</summary>
    public void Doubt(IReadOnlyDictionary<Guid, IReadOnlyCollection<RouteKey>?> rows)
    {
        foreach (var (floatingIP, paths) in rows)
        {
            if (paths is not null) _saved[floatingIP] = _sets.Of([.. (_saved.GetValueOrDefault(floatingIP) ?? []).Union(paths)]);
            if (_saved.ContainsKey(floatingIP)) _doubtful.Add(floatingIP);
        }
    }

    /// <summary>The speaker does not hold these routes any more.</summary>
    public void Withdrawn(IEnumerable<FloatingIPRoute> routes)
    {
        foreach (var group in routes.GroupBy(r => r.FloatingIP, r => r.Path))
        {
            if (PathsOf(group.Key) is not { } paths) continue;
            var left = paths.Except(group).ToList();
            SetDue(group.Key, left.Count > 0 || HasReaders ? left : null);
        }
    }

    /// <summary>No router has this path of an earlier run any more.</summary>
    public void Withdrawn(Guid floatingIP, RouteKey path)
    {
        if (PathsOf(floatingIP) is not { } paths) return;
        var left = paths.Where(p => p != path).ToList();
        SetDue(floatingIP, left.Count > 0 || HasReaders ? left : null);
    }

    /// <summary>The row must be written again, because a path in it has another number.</summary>
    public void MustRewrite(Guid floatingIP)
    {
        if (!_saved.TryGetValue(floatingIP, out var saved)) return;
        _renumbered.Add(floatingIP);
        _due.TryAdd(floatingIP, saved);
    }

    /// <summary>
    /// The speaker holds these routes and nothing else: single paths and whole rows of an earlier run go. <paramref name="leaving"/>: paths
    /// of an earlier run that routers may still have.
    /// </summary>
    public void ReplacedBy(IEnumerable<FloatingIPRoute> announced, IEnumerable<(Guid FloatingIP, RouteKey Path)> leaving)
    {
        var paths = announced.Select(r => (r.FloatingIP, r.Path)).Concat(leaving).ToLookup(r => r.FloatingIP, r => r.Path);
        foreach (var floatingIP in _saved.Keys) SetDue(floatingIP, paths.Contains(floatingIP) ? [.. paths[floatingIP].Distinct()] : null);
    }

    /// <summary>The vRouters here have dropped the entries: rows without paths may go.</summary>
    public void Release(IEnumerable<Guid> floatingIPs)
    {
        foreach (var floatingIP in floatingIPs)
        {
            if (PathsOf(floatingIP) is { Count: 0 }) SetDue(floatingIP, null);
        }
    }

    /// <summary>The database reads like this now. Answers the paths that these rows named before and do not name any more.</summary>
    public IReadOnlyList<(Guid FloatingIP, RouteKey Path)> WereSaved(IReadOnlyDictionary<Guid, IReadOnlyCollection<RouteKey>?> rows)
    {
        var gone = new List<(Guid, RouteKey)>();
        foreach (var (floatingIP, paths) in rows)
        {
            if (_saved.TryGetValue(floatingIP, out var before)) gone.AddRange(before.Except(paths ?? []).Select(p => (floatingIP, p)));
            if (paths is null) _saved.Remove(floatingIP);
            else _saved[floatingIP] = _sets.Of([.. paths]);
            _due.Remove(floatingIP);
            _doubtful.Remove(floatingIP);
            _renumbered.Remove(floatingIP);
        }

        return gone;
    }

    /// <summary>How a row must read; null when it must not be there.</summary>
    private IReadOnlyCollection<RouteKey>? PathsOf(Guid floatingIP) =>
        _due.TryGetValue(floatingIP, out var due) ? due : _saved.GetValueOrDefault(floatingIP);

    private void SetDue(Guid floatingIP, IReadOnlyCollection<RouteKey>? paths)
    {
        var saved = _saved.GetValueOrDefault(floatingIP);
        if (!_doubtful.Contains(floatingIP) && !_renumbered.Contains(floatingIP) && (paths is null ? saved is null : saved?.SetEquals(paths) == true)) _due.Remove(floatingIP);
        else _due[floatingIP] = paths;
    }
}
