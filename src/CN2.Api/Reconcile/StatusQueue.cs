namespace CN2.Api.Reconcile;

/// <summary>The owners whose status must be drafted again, and what was last drafted of each resource.</summary>
internal sealed class StatusQueue
{
    /// <summary>Owners whose statuses are drafted at once.</summary>
    public const int BatchSize = 250;

    /// <summary>
    /// A status is drafted this long after its owner was touched: answers of vRouters and the speaker that come meanwhile are part of it,
    /// instead of being a write, a change row and an event each.
    /// </summary>
    public static readonly TimeSpan SettleTime = TimeSpan.FromMilliseconds(50);

    private readonly HashSet<Guid> _due = [];

    /// <summary>
    /// Resource → its last draft that was handed over, written or not yet. A status that returns to an earlier text is news too, so what
    /// the database has is no measure.
    /// </summary>
    private readonly Dictionary<Guid, UInt128> _drafted = [];
    private DateTimeOffset? _dueSince;
    private bool _isWriting;

    public bool IsEmpty => _due.Count == 0;

    public void Add(Guid owner) => _due.Add(owner);

    public void Add(IEnumerable<Guid> owners) => _due.UnionWith(owners);

    public void Clear()
    {
        _due.Clear();
        _dueSince = null;
    }

    /// <summary>The owners to draft now. Empty while their statuses settle, and while the last batch is being written.</summary>
    public IReadOnlyList<Guid> Take(DateTimeOffset now, NextTick next)
    {
        if (_due.Count == 0) return [];
        _dueSince ??= now;
        if (now < _dueSince + SettleTime)
        {
            next.NoLaterThan(_dueSince + SettleTime);
            return [];
        }

        if (_isWriting) return [];
        List<Guid> batch = [.. _due.Take(BatchSize)];
        _due.ExceptWith(batch);
        if (_due.Count == 0) _dueSince = null;
        return batch;
    }

    /// <summary>The drafts that differ from the last ones of their resources. They are to be written: until <see cref="WereWritten"/> no batch follows.</summary>
    public IReadOnlyList<StatusDraft> TakeNews(IEnumerable<StatusDraft> drafts)
    {
        var news = new List<StatusDraft>();
        foreach (var draft in drafts)
        {
            var hash = draft.Hash;
            if (_drafted.TryGetValue(draft.Uid, out var before) && before == hash) continue;
            _drafted[draft.Uid] = hash;
            news.Add(draft);
        }

        _isWriting |= news.Count > 0;
        return news;
    }

    public void WereWritten() => _isWriting = false;

    /// <summary>The resource does not exist any more.</summary>
    public void Forget(Guid uid) => _drafted.Remove(uid);

    /// <summary>Another replica may have written since: every draft is news.</summary>
    public void ForgetDrafts() => _drafted.Clear();
}
